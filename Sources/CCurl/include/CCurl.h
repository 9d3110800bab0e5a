// HTTP through libcurl, which is loaded when the first request is made: neither its headers nor the
// library are needed to build or to start.
#ifndef SECTORAL_CCURL_H
#define SECTORAL_CCURL_H

#include <stddef.h>

/// One request, and where its answer goes.
typedef struct {
  const char *url;
  /// GET, HEAD, PUT, POST, DELETE.
  const char *method;
  const char *user_agent;
  /// `Name: value`; libcurl's own of that name is not sent. `Name:` alone removes it.
  const char *const *headers;
  size_t header_count;
  /// Sent as it is; it must last until the end of the request.
  const unsigned char *body;
  size_t body_size;
  int has_body;
  int follows_redirections;
  int uses_netrc;
  /// Whether HTTPS_PROXY and its like count.
  int uses_proxy;
  /// A file or a folder of certificates to trust; NULL for the system's.
  const char *certificate_file;
  const char *certificate_folder;
  long connect_timeout_seconds;
  /// How long not a byte may come.
  long stall_timeout_seconds;
  /// Given back to the functions below.
  void *context;
  /// Takes a piece of the body; 0 ends the transfer.
  int (*receive)(void *context, const unsigned char *bytes, size_t count);
  /// Takes a line of the answer's head, its end included; of each answer where there are redirections.
  void (*receive_header)(void *context, const unsigned char *bytes, size_t count);
  /// Asked about once a second, and more often while bytes come: 0 ends the transfer.
  int (*may_go_on)(void *context);
} ccurl_request;

/// What came back.
typedef struct {
  /// libcurl's number: 0 when there is an answer, whatever its status.
  int code;
  /// Of HTTP; 0 for other schemes, or without an answer.
  long status;
  /// libcurl's words for `code`.
  char message[512];
  char content_type[128];
  /// After redirections.
  char final_url[1024];
} ccurl_response;

/// Numbers of libcurl that are worth a word of our own.
enum {
  CCURL_OK = 0,
  CCURL_UNSUPPORTED_SCHEME = 1,
  CCURL_BAD_URL = 3,
  CCURL_NO_PROXY = 5,
  CCURL_NO_HOST = 6,
  CCURL_NO_CONNECTION = 7,
  CCURL_PARTIAL = 18,
  CCURL_RECEIVER_REFUSED = 23,
  CCURL_TIMEOUT = 28,
  CCURL_ABORTED = 42,
  CCURL_BAD_CERTIFICATE = 60,
  CCURL_BAD_CERTIFICATE_FILE = 77
};

/// Loads libcurl, once. Returns 0, or -1 with the loader's words.
int ccurl_load(char *error, size_t capacity);

/// Makes one request and waits for its end; `ccurl_load` must have succeeded.
void ccurl_perform(const ccurl_request *request, ccurl_response *response);

#endif
