#define OPENSSL_SUPPRESS_DEPRECATED
#include "CCrypto.h"
#include <openssl/md5.h>
#include <openssl/sha.h>

void sectoral_sha256(const void *bytes, size_t count, unsigned char digest[32]) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes, count);
  SHA256_Final(digest, &context);
}

void sectoral_sha1(const void *bytes, size_t count, unsigned char digest[20]) {
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, bytes, count);
  SHA1_Final(digest, &context);
}

void sectoral_md5(const void *bytes, size_t count, unsigned char digest[16]) {
  MD5_CTX context;
  MD5_Init(&context);
  MD5_Update(&context, bytes, count);
  MD5_Final(digest, &context);
}
