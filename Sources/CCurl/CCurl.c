#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// The numbers of libcurl's stable interface that are used here; they have not changed since the
// options came into being, and never will within libcurl.so.4.
enum {
  OPTION_URL = 10002,
  OPTION_ERROR_BUFFER = 10010,
  OPTION_USER_AGENT = 10018,
  OPTION_LOW_SPEED_LIMIT = 19,
  OPTION_LOW_SPEED_TIME = 20,
  OPTION_NO_PROGRESS = 43,
  OPTION_NO_BODY = 44,
  OPTION_NETRC = 51,
  OPTION_FOLLOW_LOCATION = 52,
  OPTION_MAXIMUM_REDIRECTIONS = 68,
  OPTION_CONNECT_TIMEOUT = 78,
  OPTION_NO_SIGNAL = 99,
  OPTION_PROTOCOLS = 181,
  OPTION_REDIRECTION_PROTOCOLS = 182,
  OPTION_WRITE_DATA = 10001,
  OPTION_WRITE_FUNCTION = 20011,
  OPTION_PROGRESS_DATA = 10057,
  OPTION_PROGRESS_FUNCTION = 20219,
  OPTION_PROXY = 10004,
  OPTION_BODY = 10015,
  OPTION_HEADERS = 10023,
  OPTION_HEADER_DATA = 10029,
  OPTION_METHOD = 10036,
  OPTION_BODY_SIZE = 30120,
  OPTION_HEADER_FUNCTION = 20079,
  OPTION_CERTIFICATE_FILE = 10065,
  OPTION_CERTIFICATE_FOLDER = 10097,
  INFO_FINAL_URL = 0x100001,
  INFO_STATUS = 0x200002,
  INFO_CONTENT_TYPE = 0x100012,
  NETRC_OPTIONAL = 1,
  SCHEMES_HTTP_HTTPS = 1 | 2,
  GLOBAL_ALL = 3
};

struct table {
  int (*global_init)(long flags);
  void *(*easy_init)(void);
  int (*easy_setopt)(void *handle, int option, ...);
  int (*easy_perform)(void *handle);
  int (*easy_getinfo)(void *handle, int info, ...);
  void (*easy_cleanup)(void *handle);
  const char *(*easy_strerror)(int code);
  void *(*list_append)(void *list, const char *text);
  void (*list_free)(void *list);
};

static struct table loaded;
static int is_loaded = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// Debian's git brings the second one along, so that a machine that has git has HTTP as well.
#ifdef __APPLE__
static const char *const names[] = {"libcurl.4.dylib", "libcurl.dylib"};
#else
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
#endif

static int look_up(void *library, const char *name, void *place, char *error, size_t capacity) {
  void *symbol = dlsym(library, name);
  if (symbol == NULL) {
    const char *words = dlerror();
    snprintf(error, capacity, "%s", words ? words : name);
    return -1;
  }
  memcpy(place, &symbol, sizeof symbol);
  return 0;
}

static int fill(char *error, size_t capacity) {
  void *library = NULL;
  for (size_t index = 0; index < sizeof names / sizeof *names && library == NULL; index++) {
    library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL && index == 0) {
      const char *words = dlerror();
      snprintf(error, capacity, "%s", words ? words : "unknown error of the loader");
    }
  }
  if (library == NULL) return -1;
  struct table table;
  if (look_up(library, "curl_global_init", &table.global_init, error, capacity) != 0 ||
      look_up(library, "curl_easy_init", &table.easy_init, error, capacity) != 0 ||
      look_up(library, "curl_easy_setopt", &table.easy_setopt, error, capacity) != 0 ||
      look_up(library, "curl_easy_perform", &table.easy_perform, error, capacity) != 0 ||
      look_up(library, "curl_easy_getinfo", &table.easy_getinfo, error, capacity) != 0 ||
      look_up(library, "curl_easy_cleanup", &table.easy_cleanup, error, capacity) != 0 ||
      look_up(library, "curl_easy_strerror", &table.easy_strerror, error, capacity) != 0 ||
      look_up(library, "curl_slist_append", &table.list_append, error, capacity) != 0 ||
      look_up(library, "curl_slist_free_all", &table.list_free, error, capacity) != 0) {
    dlclose(library);
    return -1;
  }
  int code = table.global_init(GLOBAL_ALL);
  if (code != 0) {
    snprintf(error, capacity, "%s", table.easy_strerror(code));
    return -1;
  }
  loaded = table;
  is_loaded = 1;
  return 0;
}

int ccurl_load(char *error, size_t capacity) {
  pthread_mutex_lock(&lock);
  int status = is_loaded ? 0 : fill(error, capacity);
  pthread_mutex_unlock(&lock);
  return status;
}

static size_t receive(char *bytes, size_t size, size_t count, void *data) {
  const ccurl_request *request = data;
  // Fewer bytes than were offered end the transfer.
  int goes_on = request->receive(request->context, (const unsigned char *)bytes, size * count);
  return goes_on ? size * count : 0;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *data) {
  const ccurl_request *request = data;
  request->receive_header(request->context, (const unsigned char *)bytes, size * count);
  return size * count;
}

static int progress(void *data, long long total, long long now, long long up, long long sent) {
  (void)total;
  (void)now;
  (void)up;
  (void)sent;
  const ccurl_request *request = data;
  return request->may_go_on(request->context) ? 0 : 1;
}

static void copy(char *place, size_t capacity, const char *text) {
  snprintf(place, capacity, "%s", text ? text : "");
}

/// The fields of the request's head; NULL when there is no memory.
static void *headers_of(const ccurl_request *request) {
  // libcurl's own: it would wait a second for the server's consent before a large body.
  void *list = loaded.list_append(NULL, "Expect:");
  for (size_t index = 0; index < request->header_count && list != NULL; index++) {
    void *longer = loaded.list_append(list, request->headers[index]);
    if (longer == NULL) loaded.list_free(list);
    list = longer;
  }
  return list;
}

void ccurl_perform(const ccurl_request *request, ccurl_response *response) {
  memset(response, 0, sizeof *response);
  void *handle = loaded.easy_init();
  void *headers = handle == NULL ? NULL : headers_of(request);
  if (headers == NULL) {
    if (handle != NULL) loaded.easy_cleanup(handle);
    response->code = 27;
    copy(response->message, sizeof response->message, loaded.easy_strerror(27));
    return;
  }
  char words[512] = "";
  loaded.easy_setopt(handle, OPTION_ERROR_BUFFER, words);
  loaded.easy_setopt(handle, OPTION_URL, request->url);
  loaded.easy_setopt(handle, OPTION_USER_AGENT, request->user_agent);
  // Timeouts by signals would hit other threads.
  loaded.easy_setopt(handle, OPTION_NO_SIGNAL, 1L);
  loaded.easy_setopt(handle, OPTION_PROTOCOLS, (long)SCHEMES_HTTP_HTTPS);
  loaded.easy_setopt(handle, OPTION_REDIRECTION_PROTOCOLS, (long)SCHEMES_HTTP_HTTPS);
  if (request->follows_redirections) {
    loaded.easy_setopt(handle, OPTION_FOLLOW_LOCATION, 1L);
    loaded.easy_setopt(handle, OPTION_MAXIMUM_REDIRECTIONS, 10L);
  }
  // Names and passwords of ~/.netrc, as Python's requests and git use them.
  if (request->uses_netrc) loaded.easy_setopt(handle, OPTION_NETRC, (long)NETRC_OPTIONAL);
  if (!request->uses_proxy) loaded.easy_setopt(handle, OPTION_PROXY, "");
  loaded.easy_setopt(handle, OPTION_HEADERS, headers);
  if (request->has_body) {
    loaded.easy_setopt(handle, OPTION_BODY_SIZE, (long long)request->body_size);
    loaded.easy_setopt(handle, OPTION_BODY, request->body_size > 0 ? request->body : (const unsigned char *)"");
  }
  // After the body, which makes a POST of it.
  if (strcmp(request->method, "HEAD") == 0) {
    loaded.easy_setopt(handle, OPTION_NO_BODY, 1L);
  } else {
    loaded.easy_setopt(handle, OPTION_METHOD, request->method);
  }
  loaded.easy_setopt(handle, OPTION_HEADER_FUNCTION, receive_header);
  loaded.easy_setopt(handle, OPTION_HEADER_DATA, request);
  loaded.easy_setopt(handle, OPTION_CONNECT_TIMEOUT, request->connect_timeout_seconds);
  loaded.easy_setopt(handle, OPTION_LOW_SPEED_LIMIT, 1L);
  loaded.easy_setopt(handle, OPTION_LOW_SPEED_TIME, request->stall_timeout_seconds);
  if (request->certificate_file != NULL) {
    loaded.easy_setopt(handle, OPTION_CERTIFICATE_FILE, request->certificate_file);
  }
  if (request->certificate_folder != NULL) {
    loaded.easy_setopt(handle, OPTION_CERTIFICATE_FOLDER, request->certificate_folder);
  }
  loaded.easy_setopt(handle, OPTION_WRITE_FUNCTION, receive);
  loaded.easy_setopt(handle, OPTION_WRITE_DATA, request);
  loaded.easy_setopt(handle, OPTION_NO_PROGRESS, 0L);
  loaded.easy_setopt(handle, OPTION_PROGRESS_FUNCTION, progress);
  loaded.easy_setopt(handle, OPTION_PROGRESS_DATA, request);

  response->code = loaded.easy_perform(handle);
  if (response->code != 0) {
    const char *text = words[0] != '\0' ? words : loaded.easy_strerror(response->code);
    copy(response->message, sizeof response->message, text);
  }
  char *text = NULL;
  loaded.easy_getinfo(handle, INFO_STATUS, &response->status);
  loaded.easy_getinfo(handle, INFO_CONTENT_TYPE, &text);
  copy(response->content_type, sizeof response->content_type, text);
  text = NULL;
  loaded.easy_getinfo(handle, INFO_FINAL_URL, &text);
  copy(response->final_url, sizeof response->final_url, text);
  loaded.easy_cleanup(handle);
  loaded.list_free(headers);
}
