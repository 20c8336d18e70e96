"""HTTP, whatever it says: who is listened to, for how long, and who may in."""
