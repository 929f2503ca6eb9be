// A listening socket that whoever started this process holds open: systemd's socket activation, or a supervisor that speaks it.

import cluster from "node:cluster";

/** Descriptors of such sockets begin here (sd_listen_fds(3)). */
const FIRST_DESCRIPTOR = 3;

/**
 * While somebody else holds the socket too, a restart refuses nobody: connections that come meanwhile wait, and are taken by the
 * next process or by another one beside it.
 * @returns the descriptor of the first socket that was passed to this very process, or undefined
 */
export function inheritedSocket(): { fd: number } | undefined {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  // The variables may have been inherited from a parent for which they were meant; of several processes that is the one which listens
  // for all of them.
  const meant = cluster.isWorker ? process.ppid : process.pid;
  return LISTEN_PID === String(meant) && Number(LISTEN_FDS) >= 1 ? { fd: FIRST_DESCRIPTOR } : undefined;
}
