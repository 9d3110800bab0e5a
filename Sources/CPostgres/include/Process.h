// Starting other programs: what Swift cannot do itself, because `fork` is not available there.
#ifndef SECTORAL_CPOSTGRES_PROCESS_H
#define SECTORAL_CPOSTGRES_PROCESS_H

#include <sys/types.h>

/// How a program is to be started. Everything between fork and exec happens in C and calls only
/// what is safe in the child of a process with many threads.
typedef struct {
  /// An absolute path.
  const char *path;
  /// Both end with NULL.
  const char *const *arguments;
  const char *const *environment;
  /// NULL keeps the current one.
  const char *directory;
  /// Where 0, 1 and 2 of the new process lead; -1 is /dev/null. All other descriptors are closed.
  int input;
  int output;
  int error;
  /// Becomes descriptor 3 of the new process; -1 for none.
  int extra;
  /// Whether to leave the account of the caller for `user` and `group` (only root may).
  int changes_account;
  uid_t user;
  gid_t group;
  /// Whether to get a session of its own, and no parent: it outlives the caller and its terminal.
  int is_detached;
  /// The signal that it gets when the thread that starts it ends; 0 for none. Linux only.
  int parent_death_signal;
} cpq_program;

/// The step of starting a program that failed.
enum {
  CPQ_STEP_NONE = 0,
  CPQ_STEP_PIPE,
  CPQ_STEP_FORK,
  CPQ_STEP_SESSION,
  CPQ_STEP_DESCRIPTORS,
  CPQ_STEP_GROUPS,
  CPQ_STEP_GROUP,
  CPQ_STEP_USER,
  CPQ_STEP_DIRECTORY,
  CPQ_STEP_PARENT,
  CPQ_STEP_EXECUTE
};

/// Starts a program and waits until it has really been executed.
///
/// Returns its process id, or -1 with the step and the error number. A detached program is a child
/// of init and must not be waited for; any other one must.
pid_t cpq_start(const cpq_program *program, int *failed_step, int *error_number);

/// Whether somebody listens on a Unix socket.
int cpq_socket_answers(const char *path);

/// Removes a file or a directory with all that is in it. Returns 0, or -1 with `errno`.
int cpq_remove_tree(const char *path);

#endif
