// One-shot digests over libcrypto's low-level functions. The high-level ones (EVP) would pull the
// whole provider machinery into the static binary.
#ifndef SECTORAL_CCRYPTO_H
#define SECTORAL_CCRYPTO_H
#include <stddef.h>

void sectoral_sha256(const void *bytes, size_t count, unsigned char digest[32]);
void sectoral_sha1(const void *bytes, size_t count, unsigned char digest[20]);
/// HMAC (RFC 2104) with SHA-256.
void sectoral_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                          unsigned char digest[32]);
void sectoral_md5(const void *bytes, size_t count, unsigned char digest[16]);

#endif
