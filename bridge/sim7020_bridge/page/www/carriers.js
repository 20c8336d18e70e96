/** What carriers ask for, as docs/hardware.md has it: APN, user name, password. */
export const CARRIERS = {
  "1NCE": ["iot.1nce.net", "", ""],
  emnify: ["em", "", ""],
  Hologram: ["hologram", "", ""],
  Onomondo: ["onomondo", "", ""],
  Soracom: ["soracom.io", "sora", "sora"],
};
