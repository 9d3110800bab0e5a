// The part of libpq that sectoral uses, loaded when the first connection is opened.
//
// Linking libpq would cost 7-8 ms at every start, even of commands that never connect, and would
// make the binary useless where libpq is missing. The declarations are our own, so libpq-dev is not
// needed either: the ABI of libpq.so.5 has not changed since 2006 but for additions, and everything
// used here was there in version 9.6.
#ifndef SECTORAL_CPOSTGRES_LIBRARY_H
#define SECTORAL_CPOSTGRES_LIBRARY_H

#include <stddef.h>

/// libpq's PGconn, PGresult and PGcancel.
typedef struct pg_conn cpq_connection;
typedef struct pg_result cpq_result;
typedef struct pg_cancel cpq_cancel_key;

/// Loads libpq; later calls return at once. Safe from any thread. Every function below may be
/// called only after this has returned 0.
///
/// Returns 0, or -1 with the loader's words in `error`.
int cpq_load(char *error, size_t capacity);

/// Tries to load a library of that name and to find all functions in it, and keeps nothing.
int cpq_probe(const char *name, char *error, size_t capacity);

// ConnStatusType
enum { CPQ_CONNECTION_OK = 0, CPQ_CONNECTION_BAD = 1 };
// PostgresPollingStatusType
enum { CPQ_POLLING_FAILED = 0, CPQ_POLLING_READING = 1, CPQ_POLLING_WRITING = 2, CPQ_POLLING_OK = 3 };
// PGTransactionStatusType
enum {
  CPQ_TRANSACTION_IDLE = 0,
  CPQ_TRANSACTION_ACTIVE = 1,
  CPQ_TRANSACTION_OPEN = 2,
  CPQ_TRANSACTION_FAILED = 3,
  CPQ_TRANSACTION_UNKNOWN = 4
};
// PGVerbosity
enum { CPQ_ERRORS_DEFAULT = 1, CPQ_ERRORS_VERBOSE = 2 };
// ExecStatusType
enum {
  CPQ_EMPTY_QUERY = 0,
  CPQ_COMMAND_OK = 1,
  CPQ_TUPLES_OK = 2,
  CPQ_COPY_OUT = 3,
  CPQ_COPY_IN = 4,
  CPQ_BAD_RESPONSE = 5,
  CPQ_NONFATAL_ERROR = 6,
  CPQ_FATAL_ERROR = 7,
  CPQ_COPY_BOTH = 8,
  CPQ_SINGLE_TUPLE = 9
};
// Fields of an error report.
enum {
  CPQ_DIAG_SEVERITY = 'S',
  CPQ_DIAG_SQLSTATE = 'C',
  CPQ_DIAG_MESSAGE_PRIMARY = 'M',
  CPQ_DIAG_MESSAGE_DETAIL = 'D',
  CPQ_DIAG_MESSAGE_HINT = 'H',
  CPQ_DIAG_STATEMENT_POSITION = 'P',
  CPQ_DIAG_INTERNAL_POSITION = 'p',
  CPQ_DIAG_INTERNAL_QUERY = 'q',
  CPQ_DIAG_CONTEXT = 'W'
};

typedef void (*cpq_notice_receiver)(void *argument, const cpq_result *result);

// Connecting.
cpq_connection *cpq_connect_start(const char *const *keywords, const char *const *values);
int cpq_connect_poll(cpq_connection *connection);
int cpq_status(const cpq_connection *connection);
int cpq_socket(const cpq_connection *connection);
/// The host and the address that are tried or connected to; the address is NULL where libpq is older than 12.
const char *cpq_host(const cpq_connection *connection);
const char *cpq_host_address(const cpq_connection *connection);
const char *cpq_error_message(const cpq_connection *connection);
/// Whether the server asked for a password and none was there.
int cpq_needs_password(const cpq_connection *connection);
int cpq_set_error_verbosity(cpq_connection *connection, int verbosity);
int cpq_transaction_status(const cpq_connection *connection);
const char *cpq_parameter_status(const cpq_connection *connection, const char *name);
int cpq_server_version(const cpq_connection *connection);
int cpq_backend_pid(const cpq_connection *connection);
cpq_notice_receiver cpq_set_notice_receiver(
    cpq_connection *connection, cpq_notice_receiver receiver, void *argument);
void cpq_finish(cpq_connection *connection);

// Statements.
int cpq_send_query(cpq_connection *connection, const char *sql);
int cpq_set_single_row_mode(cpq_connection *connection);
/// Whether cpq_get_result would have to wait for the server.
int cpq_is_busy(cpq_connection *connection);
int cpq_consume_input(cpq_connection *connection);
cpq_result *cpq_get_result(cpq_connection *connection);
int cpq_result_status(const cpq_result *result);
const char *cpq_result_error_message(const cpq_result *result);
const char *cpq_result_error_field(const cpq_result *result, int field);
const char *cpq_command_tag(cpq_result *result);
const char *cpq_affected_rows(cpq_result *result);
int cpq_row_count(const cpq_result *result);
int cpq_column_count(const cpq_result *result);
const char *cpq_column_name(const cpq_result *result, int column);
unsigned int cpq_column_type(const cpq_result *result, int column);
const char *cpq_value(const cpq_result *result, int row, int column);
int cpq_value_length(const cpq_result *result, int row, int column);
int cpq_is_null(const cpq_result *result, int row, int column);
void cpq_clear(cpq_result *result);

// COPY. With `is_nonblocking`, data is refused (0) that would have to wait for the server.
int cpq_set_nonblocking(cpq_connection *connection, int is_nonblocking);
/// 0: all is sent; 1: not yet.
int cpq_flush(cpq_connection *connection);
/// Whether the other end of a TCP connection has acknowledged nothing for so long that was sent to it, questions
/// for room included. 0 where the system cannot tell.
int cpq_is_silent(int socket, int seconds);
int cpq_put_copy_data(cpq_connection *connection, const char *bytes, int count);
int cpq_put_copy_end(cpq_connection *connection, const char *error);
int cpq_get_copy_data(cpq_connection *connection, char **buffer);
void cpq_free_memory(void *pointer);

// Cancelling; cpq_cancel may be called from any thread.
cpq_cancel_key *cpq_get_cancel(cpq_connection *connection);
int cpq_cancel(cpq_cancel_key *key, char *error, int capacity);
void cpq_free_cancel(cpq_cancel_key *key);

#endif
