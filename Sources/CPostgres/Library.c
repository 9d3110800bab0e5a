#include "Library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#ifdef __linux__
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

#ifdef __APPLE__
#define LIBRARY "libpq.5.dylib"
#else
#define LIBRARY "libpq.so.5"
#endif

// One row per function: result, libpq's name, our name, parameters, arguments.
#define FUNCTIONS(F)                                                                              \
  F(cpq_connection *, PQconnectStartParams, connect_start_expanding,                              \
    (const char *const *keywords, const char *const *values, int expand),                         \
    (keywords, values, expand))                                                                   \
  F(int, PQconnectPoll, cpq_connect_poll, (cpq_connection * c), (c))                              \
  F(int, PQstatus, cpq_status, (const cpq_connection *c), (c))                                    \
  F(int, PQsocket, cpq_socket, (const cpq_connection *c), (c))                                    \
  F(const char *, PQhost, cpq_host, (const cpq_connection *c), (c))                               \
  F(const char *, PQerrorMessage, cpq_error_message, (const cpq_connection *c), (c))              \
  F(int, PQconnectionNeedsPassword, cpq_needs_password, (const cpq_connection *c), (c))           \
  F(int, PQsetErrorVerbosity, cpq_set_error_verbosity, (cpq_connection * c, int v), (c, v))       \
  F(int, PQtransactionStatus, cpq_transaction_status, (const cpq_connection *c), (c))             \
  F(const char *, PQparameterStatus, cpq_parameter_status,                                        \
    (const cpq_connection *c, const char *name), (c, name))                                       \
  F(int, PQserverVersion, cpq_server_version, (const cpq_connection *c), (c))                     \
  F(int, PQbackendPID, cpq_backend_pid, (const cpq_connection *c), (c))                           \
  F(cpq_notice_receiver, PQsetNoticeReceiver, cpq_set_notice_receiver,                            \
    (cpq_connection * c, cpq_notice_receiver receiver, void *argument), (c, receiver, argument))  \
  F(void, PQfinish, cpq_finish, (cpq_connection * c), (c))                                        \
  F(int, PQsendQuery, cpq_send_query, (cpq_connection * c, const char *sql), (c, sql))            \
  F(int, PQsetSingleRowMode, cpq_set_single_row_mode, (cpq_connection * c), (c))                  \
  F(cpq_result *, PQgetResult, cpq_get_result, (cpq_connection * c), (c))                         \
  F(int, PQresultStatus, cpq_result_status, (const cpq_result *r), (r))                           \
  F(const char *, PQresultErrorMessage, cpq_result_error_message, (const cpq_result *r), (r))     \
  F(const char *, PQresultErrorField, cpq_result_error_field, (const cpq_result *r, int field),   \
    (r, field))                                                                                   \
  F(const char *, PQcmdStatus, cpq_command_tag, (cpq_result * r), (r))                            \
  F(const char *, PQcmdTuples, cpq_affected_rows, (cpq_result * r), (r))                          \
  F(int, PQntuples, cpq_row_count, (const cpq_result *r), (r))                                    \
  F(int, PQnfields, cpq_column_count, (const cpq_result *r), (r))                                 \
  F(const char *, PQfname, cpq_column_name, (const cpq_result *r, int column), (r, column))       \
  F(unsigned int, PQftype, cpq_column_type, (const cpq_result *r, int column), (r, column))       \
  F(const char *, PQgetvalue, cpq_value, (const cpq_result *r, int row, int column),              \
    (r, row, column))                                                                             \
  F(int, PQgetlength, cpq_value_length, (const cpq_result *r, int row, int column),               \
    (r, row, column))                                                                             \
  F(int, PQgetisnull, cpq_is_null, (const cpq_result *r, int row, int column), (r, row, column))  \
  F(void, PQclear, cpq_clear, (cpq_result * r), (r))                                              \
  F(int, PQsetnonblocking, cpq_set_nonblocking, (cpq_connection * c, int on), (c, on))            \
  F(int, PQflush, cpq_flush, (cpq_connection * c), (c))                                           \
  F(int, PQconsumeInput, cpq_consume_input, (cpq_connection * c), (c))                            \
  F(int, PQisBusy, cpq_is_busy, (cpq_connection * c), (c))                                        \
  F(int, PQputCopyData, cpq_put_copy_data, (cpq_connection * c, const char *bytes, int count),    \
    (c, bytes, count))                                                                            \
  F(int, PQputCopyEnd, cpq_put_copy_end, (cpq_connection * c, const char *error), (c, error))     \
  F(int, PQgetCopyData, get_copy_data_mode, (cpq_connection * c, char **buffer, int async),       \
    (c, buffer, async))                                                                           \
  F(void, PQfreemem, cpq_free_memory, (void *pointer), (pointer))                                 \
  F(cpq_cancel_key *, PQgetCancel, cpq_get_cancel, (cpq_connection * c), (c))                     \
  F(int, PQcancel, cpq_cancel, (cpq_cancel_key * key, char *error, int capacity),                 \
    (key, error, capacity))                                                                       \
  F(void, PQfreeCancel, cpq_free_cancel, (cpq_cancel_key * key), (key))

struct table {
#define MEMBER(result, theirs, ours, parameters, arguments) result(*theirs) parameters;
  FUNCTIONS(MEMBER)
#undef MEMBER
  // NULL in versions before 12.
  const char *(*PQhostaddr)(const cpq_connection *);
};

static struct table loaded;
static int is_loaded = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static cpq_connection *connect_start_expanding(const char *const *, const char *const *, int);
static int get_copy_data_mode(cpq_connection *, char **, int);

#define WRAPPER(result, theirs, ours, parameters, arguments) \
  result ours parameters { return loaded.theirs arguments; }
FUNCTIONS(WRAPPER)
#undef WRAPPER

const char *cpq_host_address(const cpq_connection *connection) {
  return loaded.PQhostaddr ? loaded.PQhostaddr(connection) : NULL;
}

// A database name is a name: never expanded as a connection string.
cpq_connection *cpq_connect_start(const char *const *keywords, const char *const *values) {
  return connect_start_expanding(keywords, values, 0);
}

int cpq_get_copy_data(cpq_connection *connection, char **buffer) {
  return get_copy_data_mode(connection, buffer, 0);
}

int cpq_is_silent(int socket, int seconds) {
#ifdef __linux__
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  // Questions for room come further and further apart: one that has no answer yet says nothing.
  return info.tcpi_last_ack_recv / 1000 > (unsigned)seconds &&
         (info.tcpi_unacked > 0 || info.tcpi_probes > 1);
#else
  (void)socket, (void)seconds;
  return 0;
#endif
}

static void say(char *error, size_t capacity, const char *words) {
  if (capacity > 0) snprintf(error, capacity, "%s", words ? words : "unknown error of the loader");
}

static int fill(struct table *table, const char *name, void **handle, char *error, size_t capacity) {
  *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (*handle == NULL) {
    say(error, capacity, dlerror());
    return -1;
  }
#define LOOK_UP(result, theirs, ours, parameters, arguments) \
  {                                                          \
    void *symbol = dlsym(*handle, #theirs);                  \
    if (symbol == NULL) {                                    \
      say(error, capacity, dlerror());                       \
      dlclose(*handle);                                      \
      return -1;                                             \
    }                                                        \
    memcpy(&table->theirs, &symbol, sizeof symbol);          \
  }
  FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  {
    void *symbol = dlsym(*handle, "PQhostaddr");
    memcpy(&table->PQhostaddr, &symbol, sizeof symbol);
  }
  return 0;
}

int cpq_load(char *error, size_t capacity) {
  int status = 0;
  pthread_mutex_lock(&lock);
  if (!is_loaded) {
    struct table table;
    void *handle;
    status = fill(&table, LIBRARY, &handle, error, capacity);
    if (status == 0) {
      loaded = table;
      is_loaded = 1;
    }
  }
  pthread_mutex_unlock(&lock);
  return status;
}

int cpq_probe(const char *name, char *error, size_t capacity) {
  struct table table;
  void *handle;
  int status = fill(&table, name, &handle, error, capacity);
  if (status == 0) dlclose(handle);
  return status;
}
