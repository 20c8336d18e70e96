"""One dialogue as many programs log it: a question, its answer, data that comes, and a refusal."""

CAPTURES = {
    "marked": "> AT+CSQ\n< +CSQ: 20,0\n< OK\n< +CSONMI: 0,2,31\n> AT\n< ERROR\n",
    "CR LF": "> AT+CSQ\r\n< +CSQ: 20,0\r\n< OK\r\n< +CSONMI: 0,2,31\r\n> AT\r\n< ERROR\r\n",
    "CR": "> AT+CSQ\r< +CSQ: 20,0\r< OK\r< +CSONMI: 0,2,31\r> AT\r< ERROR\r",
    "screen": "AT+CSQ\n\n+CSQ: 20,0\n\nOK\n\n+CSONMI: 0,2,31\nAT\n\nERROR\n",
    "raw, with echo": "AT+CSQ\r\r\n+CSQ: 20,0\r\n\r\nOK\r\n\r\n+CSONMI: 0,2,31\r\nAT\r\r\nERROR\r\n",
    "minicom": (
        "Welcome to minicom 2.8\n\nOPTIONS: I18n \nPort /dev/ttyUSB0, 07:49:36\n\nPress CTRL-A Z for help\n\n"
        "AT+CSQ\n+CSQ: 20,0\nOK\n+CSONMI: 0,2,31\nAT\nERROR\n"
    ),
    "PuTTY": (
        "=~=~=~=~=~= PuTTY log 2026.01.02 03:04:05 =~=~=~=~=~=\nAT+CSQ\n+CSQ: 20,0\nOK\n+CSONMI: 0,2,31\nAT\nERROR\n"
    ),
    "times": (
        "[2026-01-02 03:04:05.678] TX: AT+CSQ\n[2026-01-02 03:04:05.700] RX: +CSQ: 20,0\n[03:04:05.7] RX: OK\n"
        "2026-01-02T03:04:05.678+02:00 RX: +CSONMI: 0,2,31\n2026-01-02 03:04:05,678 TX AT\n".replace("TX AT", "TX: AT")
        + "03:04:05 RX: ERROR\n"
    ),
    "seconds": (
        "[    1.234567] >> AT+CSQ\n[    1.24] << +CSQ: 20,0\n1.250: << OK\n+0.300s << +CSONMI: 0,2,31\n"
        "(1.5) >> AT\n(1.6) << ERROR\n"
    ),
    "times with arrows": (
        "03:04:05.678 -> AT+CSQ\n03:04:05.700 -> +CSQ: 20,0\n03:04:05.700 -> OK\n03:04:06.000 -> +CSONMI: 0,2,31\n"
        "03:04:06.000 -> AT\n03:04:06.100 -> ERROR\n"
    ),
    "Chinese": (
        "[03:04:05.678]\u53d1\u2192\u25c7AT+CSQ\u25a1\n[03:04:05.7]\u6536\u2190\u25c6+CSQ: 20,0\n"
        "[03:04:05.7]\u6536\u2190\u25c6OK\n[03:04:05.7]\u6536\u2190\u25c6+CSONMI: 0,2,31\n"
        "[03:04:05.7]\u53d1\u2192\u25c7AT\u25a1\n[03:04:05.7]\u6536\u2190\u25c6ERROR\n"
    ),
    "trace": (
        "2026-01-02 03:04:05,678 DEBUG   [shed] sim7020_bridge.trace: > AT+CSQ\n"
        "2026-01-02 03:04:05,678 INFO    [shed] modem.session: attached\n"
        "2026-01-02 03:04:05,678 DEBUG   [shed] sim7020_bridge.trace: < +CSQ: 20,0\n"
        "2026-01-02 03:04:05,678 DEBUG   [shed] sim7020_bridge.trace: < OK\n"
        "Jan 02 03:04:05 pi bridge[12]: 2026-01-02 03:04:05,678 DEBUG   sim7020_bridge.trace: < +CSONMI: 0,2,31\n"
        "2026-01-02 03:04:05.678+01:00 DEBUG   trace: > AT\n"
        "2026-01-02 03:04:05,678 DEBUG   sim7020_bridge.trace: < ERROR\n"
    ),
    "ModemManager": (
        "<debug> [1700000000.123456] [ttyUSB0/at] --> 'AT+CSQ<CR>'\n[ttyUSB0/at] <-- '<CR><LF>+CSQ: 20,0<CR><LF>'\n"
        "[ttyUSB0/at] <-- '<CR><LF>OK<CR><LF>'\n[ttyUSB0/at] <-- '<CR><LF>+CSONMI: 0,2,31<CR><LF>'\n"
        "[ttyUSB0/at] --> 'AT<CR>'\n[ttyUSB0/at] <-- '<CR><LF>ERROR<CR><LF>'\n"
    ),
    "Python": (
        "sent: b'AT+CSQ\\r'\nreceived: b'\\r\\n+CSQ: 20,0\\r\\n'\nreceived: b'\\r\\nOK\\r\\n'\n"
        "received: b'\\r\\n+CSONMI: 0,2,31\\r\\n'\nsent: b'AT\\r'\nreceived: b'\\r\\nERROR\\r\\n'\n"
    ),
    "socat": (
        "> 2026/01/02 03:04:05.000123456  length=7 from=0 to=6\nAT+CSQ\\r\n"
        "< 2026/01/02 03:04:05.000123456  length=30 from=0 to=29\n\\r\n+CSQ: 20,0\\r\n\\r\nOK\\r\n+CSONMI: 0,2,31\\r\n"
        "> 2026/01/02 03:04:05.000123456  length=3 from=7 to=9\nAT\\r\n"
        "< 2026/01/02 03:04:05.000123456  length=9 from=30 to=38\nERROR\\r\n"
    ),
    "Zephyr": (
        "uart:~$ [00:01:24.522,000] <dbg> modem_chat: modem_chat_script_next: a_script: step: 2\n"
        "uart:~$ [00:01:24.522,000] <dbg> modem_chat: modem_chat_script_next: sending: AT+CSQ\n"
        "uart:~$ uart:~$ [00:01:24.568,000] <dbg> modem_chat: modem_chat_log_received_command: +CSQ: 20,0\n"
        "[00:01:24.568,000] <dbg> modem_chat: modem_chat_log_received_command: OK\n"
        "00> [00:01:24.568,000] <dbg> modem_chat: modem_chat_log_received_command: +CSONMI: 0,2,31\n"
        "[00:01:24.568,000] <dbg> modem_chat.modem_chat_script_next: sending: AT\n"
        "[00:01:24.568,000] <dbg> modem_chat.modem_chat_log_received_command: ERROR\n"
        "[00:01:24.568,000] <wrn> modem_chat: a_script: timed out\n"
    ),
    "ESP-IDF": (
        "D (910) esp-modem: writing:\nD (920) esp-modem: 0x3f404a04   41 54 2b 43 53 51 0d      |AT+CSQ.|\n"
        "D (930) esp-modem: reading:\nD (930) esp-modem: 0x3ffb9be4   0d 0a 2b 43 53 51 3a 20  32 30 2c 30 0d 0a |..|\n"
        "D (990) esp-modem: reading:\nD (990) esp-modem: 0x3ffb9be4   4f 4b 0d 0a               |OK..|\n"
        "D (995) dce_service: sync ok\n"
        "V (999) esp-modem: pattern-detection: 0x3ffb9be4   2b 43 53 4f 4e 4d 49 3a 20 30 2c 32 2c 33 31 0d |+|\n"
        '"5/9/2023 1:38:59 PM",D (12507) esp-modem: Sending command:AT\n'
        "D (3506) command_lib: Response: ERROR\n"
    ),
    "ESP-IDF, later": (
        "D (3446) command_lib: generic_command command AT+CSQ\nV (3450) command_lib: generic_command_common\n"
        "D (3506) command_lib: Response: +CSQ: 20,0\nOK\n+CSONMI: 0,2,31\n"
        "D (3616) command_lib: generic_command command AT\nD (3706) command_lib: Response: ERROR\n"
    ),
    "ESPHome": (
        "[15:24:26][V][sim800l:044]: S: AT+CSQ - 1\n[15:24:26][VV][uart_esp32:119]:     Wrote 0b00001010 (0x0A)\n"
        "[15:24:26][V][sim800l:051]: R: +CSQ: 20,0 - 2\n[15:24:26][V][sim800l:051]: R: OK - 2\n"
        "[15:24:26][V][sim800l:051]: R: +CSONMI: 0,2,31 - 0\n[15:24:26][W][sim800l:062]: Not ack. 2 +CREG: 1,0\n"
        "[15:24:27][V][sim800l:044][uart_task]: S: AT - 1\n[15:24:27][V][sim800l:051]: R: ERROR - 2\n"
    ),
    "mbed": (
        "[00042148][INFO][CELL]: AT TX ( 6): AT+CSQ\n[00042149][INFO][CELL]: Network registration (timeout 60 s)\n"
        "[00043596][INFO][CELL]: AT RX (14): <cr><ln>+CSQ: 20,0<cr><ln>\n"
        "[00043596][INFO][CELL]: AT RX ( 6): <cr><ln>OK<cr><ln>\n"
        "[00043596][DBG ][CELL]: AT RX (19): +CSONMI: 0,2,31<cr><ln>\n"
        "[00043597][INFO][CELL]: AT TX ( 2): AT\n[00043598][INFO][CELL]: AT RX (13): <cr><ln>ERROR<cr><ln>\n"
    ),
    "mbed, later": (
        "[00001062ms][INFO][CELL]: AT TX ( 6): AT+CSQ\n[00001121ms][INFO][CELL]: AT TX ( 1): <cr>\n"
        "[INFO][CELL]: AT RX (17): <cr><ln>+CSQ: 20,0<cr><ln><cr>\n[INFO][CELL]: AT RX ( 5): <ln>OK<cr><ln>\n"
        "[INFO][CELL]: RSSI unknown\n[INFO][CELL]: AT RX (19): +CSONMI: 0,2,31<cr><ln>\n"
        "[INFO][CELL]: AT TX ( 2): AT\n[INFO][CELL]: AT TX ( 1): <cr>\n"
        "[INFO][CELL]: AT RX (13): <cr><ln>ERROR<cr><ln>\n"
    ),
    "RT-Thread": (
        "[D/AT] send: 0000-0020: 41 54 2B 43 53 51 0D                                      AT+CSQ.\n"
        "[D/AT] recvline: 0000-0020: 0D 0A                                                 ..\n"
        "[D/AT] recvline: 0000-0020: 2B 43 53 51 3A 20 32 30  2C 30 0D 0A                  +CSQ: 20,0..\n"
        "[D/AT] recvline: 0000-0020: 4F 4B 0D 0A                                           OK..\n"
        "[I/at.dev.sim76] a remark\n"
        "[D/AT] recvline: 0000-0020: 2B 43 53 4F 4E 4D 49 3A  20 30 2C 32 2C 33 31 0D 0A   +CSONMI: 0,2,31..\n"
        "[D/AT] send: 0000-0020: 41 54 0D                                                  AT.\n"
        "[D/AT] recvline: 0000-0020: 45 52 52 4F 52 0D 0A                                  ERROR..\n"
    ),
    "TinyGSM": (
        "[6737] ### TinyGSM Version: 0.11.7\nAT+CSQ\n\n+CSQ: 20,0\n\nOK\n18:00:29.850 -> [6737] ### Modem: SIM7020E\n"
        "18:00:29.850 -> +CSONMI: 0,2,31\nAT\n\nERROR\n"
    ),
    "Particle": (
        '   468.518 AT send       8 "AT+CSQ\\r\\n"\n   468.522 AT read  +   14 "\\r\\n+CSQ: 20,0\\r\\n"\n'
        '   468.522 AT read OK    6 "\\r\\nOK\\r\\n"\n   468.523 AT read UNK  19 "\\r\\n+CSONMI: 0,2,31\\r\\n"\n'
        '   468.528 AT send       4 "AT\\r\\n"\n   468.530 AT read ERR   9 "\\r\\nERROR\\r\\n"\n'
    ),
    "gammu": (
        "Wed 2018/03/07 08:52:29: SENDING frametype 0x00/length 0x07/7\n"
        "Wed 2018/03/07 08:52:29: 41A|54T|2B+|43C|53S|51Q|0D                        AT+CSQ.\n"
        'Wed 2018/03/07 08:52:29: 1 "+CSQ: 20,0"\nWed 2018/03/07 08:52:29: 2 "OK"\n'
        "Wed 2018/03/07 08:52:29: Checking line: OK\nWed 2018/03/07 08:52:29: AT reply state: 1\n"
        "Wed 2018/03/07 08:52:29: RECEIVED frametype 0x00/length 0x10/16\n"
        "Wed 2018/03/07 08:52:29: 2B+|43C|53S|51Q|3A:|20 |322|300|2C,|300|0D |0A |4FO|4BK|0D |0A   +CSQ: 20,0..OK..\n"
        'Wed 2018/03/07 08:52:29 gammu-smsd[19932]: gammu: 1 "+CSONMI: 0,2,31"\n'
        "Wed 2018/03/07 08:52:29 gammu-smsd[19932]: gammu: SENDING frame type 0x00/length 0x03/3\n"
        "Wed 2018/03/07 08:52:29 gammu-smsd[19932]: gammu: 41A|54T|0D                       AT.\n"
        'Wed 2018/03/07 08:52:29 gammu-smsd[19932]: gammu: 1 "ERROR"\n'
    ),
    "oFono": (
        "00:00:43 ofonod[4140]: Voice: > AT+CSQ\\r\n00:00:43 ofonod[4140]: Voice: < \\r\\n+CSQ: 20,0\\r\\n\n"
        "ofonod[4140]: Voice: < \\r\\nOK\\r\\n\nofonod[4140]: Modem: < \\r\\n+CSONMI: 0,2,31\\r\\n\n"
        "Jan 02 03:04:05 pi ofonod[4140]: Voice: > AT\\r\nJan 02 03:04:05 pi ofonod[4140]: Voice: < \\r\\nERROR\\r\\n\n"
    ),
    "pppd's chat": (
        "Jan 02 03:04:05 pi chat[12]: send (AT+CSQ^M)\nJan 02 03:04:05 pi chat[12]: expect (OK)\n"
        "Jan 02 03:04:05 pi chat[12]: ^M\nJan 02 03:04:05 pi chat[12]: +CSQ: 20,0^M\nJan 02 03:04:05 pi chat[12]: OK\n"
        "Jan 02 03:04:05 pi chat[12]:  -- got it\nchat[12]: +CSONMI: 0,2,31\nchat[12]: send (AT^M)\nchat[12]: ERROR\n"
    ),
    "wvdial": (
        "--> WvDial: Internet dialer version 1.61\n--> Sending: AT+CSQ\n+CSQ: 20,0\nOK\n+CSONMI: 0,2,31\n"
        "--> Sending: AT\nERROR\n--> Disconnecting at Sat Jan  3 03:04:05 2026\n"
    ),
    "python-gsmmodem": (
        "INFO: Connecting to modem on port COM9 at 115200bps\nDEBUG: write: AT+CSQ\nDEBUG: response: ['+CSQ: 20,0']\n"
        "DEBUG: response: ['OK']\nDEBUG: response: ['+CSONMI: 0,2,31']\nDEBUG: write: AT\nDEBUG: response: ['ERROR']\n"
    ),
    "atat": (
        '54380 DEBUG Sending command: "b"AT+CSQ\\r\\n""\n54396 DEBUG Received response: "b"+CSQ: 20,0""\n'
        "54396 DEBUG Received OK\n54396 INFO Attempting to power on the modem\n"
        '54397 DEBUG Received response: "b"+CSONMI: 0,2,31""\n54400 DEBUG Sending command: "b"AT\\r\\n""\n'
        "54401 DEBUG Received ERROR\n"
    ),
    "Adafruit FONA": ("\t---> AT+CSQ\n\t<--- +CSQ: 20,0\n\t<--- OK\n\t<--- +CSONMI: 0,2,31\n\t---> AT\n\t<--- ERROR\n"),
    "Android": (
        "03:04:05.678 D/AT      ( 109): AT> AT+CSQ\n"
        "D/AT      ( 109): AT< +CSQ: 20,0\nD/AT ( 109): AT< OK\n"
        "D/AT(3): AT(3)< +CSONMI: 0,2,31\n"
        "I/RIL: RIL Daemon version: 1.0\nD/at: > AT\nD/AT: AT< ERROR\n"
    ),
    "a modem's name": (
        "9306.467 [GSM]:  => AT+CSQ\n9306.469 [GSM]:     <= +CSQ: 20,0\n9306.469 [GSM]:     <= OK\n"
        "9306.469 [GSM]:     <= +CSONMI: 0,2,31\n9306.469 [GSM]:  => AT\n9306.469 [GSM]:     <= ERROR\n"
    ),
    "Docklight": (
        "23.11.2019 13:45:17.24 [TX] - AT+CSQ<CR><LF>\n23.11.2019 13:45:17.30 [RX] - <CR><LF>+CSQ: 20,0<CR><LF>\n"
        "23.11.2019 13:45:17.30 [RX] - <CR><LF>OK<CR><LF>\n23.11.2019 13:45:17.30 [RX] - +CSONMI: 0,2,31<CR><LF>\n"
        "23.11.2019 13:45:17.30 [TX] - AT<CR><LF>\n23.11.2019 13:45:17.30 [RX] - ERROR<CR><LF>\n"
    ),
    "Tera Term": (
        "[Sat Jan  3 03:04:05.123 2026] AT+CSQ\n[Sat Jan  3 03:04:05.123 2026] +CSQ: 20,0\n"
        "[2026-01-03_03:04:05:123]OK\n[Sat Jan  3 03:04:05.123 2026] +CSONMI: 0,2,31\n"
        "[Sat Jan  3 03:04:05.123 2026] AT\n[Sat Jan  3 03:04:05.123 2026] ERROR\n"
    ),
    "ModemManager, older": (
        "<debug> (ttyUSB2) device open count is 1 (open)\n<debug> (ttyUSB2): --> 'AT+CSQ<CR>'\n"
        "<debug> (ttyUSB2): <-- '<CR><LF>+CSQ: 20,0<CR><LF>'\n"
        "ModemManager[627]: <debug> [1688962258.601739] [modem0/ttyUSB2/at]: <-- '<CR><LF>OK<CR><LF>'\n"
        "Jul 10 12:10:58 host ModemManager[627]: <debug> [1688962258.601739] [ttyUSB2/at] "
        "<-- '<CR><LF>+CSONMI: 0,2,31<CR>'\n"
        "ModemManager[627]: <debug> (ttyUSB2): --> 'AT<CR>'\n"
        "[00:12:34.600] <debug> [modem0/ttyUSB2/at] <-- '<CR><LF>ERROR<CR><LF>'\n"
    ),
    "NULs": "\0".join("> AT+CSQ\n< +CSQ: 20,0\n< OK\n< +CSONMI: 0,2,31\n> AT\n< ERROR\n"),
    "escape sequences": (
        "\x1b[2J\x1b[HAT+CSQ\n\x1b[32m+CSQ: 20,0\x1b[0m\nOK\n\x1b]0;title\x07+CSONMI: 0,2,31\nAT\nERROR\n"
    ),
}
"""By the program or the form; each has the same six lines in the same order, and remarks."""
