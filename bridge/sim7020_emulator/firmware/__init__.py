"""How firmwares and their users set a module: variants, and the settings that AT commands change."""
