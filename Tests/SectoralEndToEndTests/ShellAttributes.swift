import Glibc

/// What makes a process start as a shell would start it, whatever the test runner does with its signals: the
/// threads of tests hear none, and what is started by them would not either.
final class ShellAttributes {
  var value = posix_spawnattr_t()

  init() {
    posix_spawnattr_init(&value)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&value, &signals)
    for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&value, &signals)
    posix_spawnattr_setflags(&value, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  }

  deinit { posix_spawnattr_destroy(&value) }
}
