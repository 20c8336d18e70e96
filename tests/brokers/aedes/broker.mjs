// The broker aedes, which is a library, as a program: node broker.mjs HOST PORT. It keeps everything in memory.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const [host, port] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const server = createServer(broker.handle)
process.on('SIGTERM', () => process.exit(0))
server.listen(Number(port), host)
