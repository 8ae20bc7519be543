#include <curl/curl.h>

/* Swift cannot call variadic functions. The names in parentheses are the functions themselves, not
   the macros of the same name, which check types that are not known here. */

static inline CURLcode CCurl_set_long(CURL *handle, CURLoption option, long value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode CCurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(handle, option, value);
}

/* libcurl copies the text. */
static inline CURLcode CCurl_set_text(CURL *handle, CURLoption option, const char *value) {
    return (curl_easy_setopt)(handle, option, value);
}

/* libcurl keeps the pointer. */
static inline CURLcode CCurl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode CCurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(handle, option, value);
}

/* What takes header fields, or the body; anything but size * count returned is an error. */
typedef size_t (*CCurl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode CCurl_set_sink(CURL *handle, CURLoption option, CCurl_sink sink) {
    return (curl_easy_setopt)(handle, option, sink);
}

/* Called at least about once a second; anything but 0 returned ends the transfer. */
typedef int (*CCurl_progress)(
    void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
    curl_off_t uploaded);

static inline CURLcode CCurl_set_progress(CURL *handle, CCurl_progress progress) {
    return (curl_easy_setopt)(handle, CURLOPT_XFERINFOFUNCTION, progress);
}

static inline long CCurl_get_long(CURL *handle, CURLINFO info) {
    long value = 0;
    (curl_easy_getinfo)(handle, info, &value);
    return value;
}
