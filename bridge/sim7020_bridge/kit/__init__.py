"""What a person looks at a modem with: decode, recording, probe."""
