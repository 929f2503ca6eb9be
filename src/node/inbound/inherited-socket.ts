// A listening socket passed on by systemd's socket activation, or by a supervisor with the same protocol.

/** The first passed descriptor, after stdin, stdout and stderr (sd_listen_fds(3)). */
const FIRST_DESCRIPTOR = 3;

/**
 * The supervisor keeps the socket open, so connections wait during a restart instead of being refused,
 * and several instances can share it.
 * @returns the descriptor of the first passed socket, if any
 */
export function inheritedSocket(): { fd: number } | undefined {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  // A parent process may have left the variables behind; LISTEN_PID names the process they are for.
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1 ? { fd: FIRST_DESCRIPTOR } : undefined;
}
