#define OPENSSL_SUPPRESS_DEPRECATED
#include "CCrypto.h"
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

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

// libcrypto's own HMAC goes through EVP.
void sectoral_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                          unsigned char digest[32]) {
  unsigned char block[SHA256_CBLOCK] = {0};
  if (key_count > sizeof block) {
    sectoral_sha256(key, key_count, block);
  } else if (key_count > 0) {
    memcpy(block, key, key_count);
  }
  SHA256_CTX context;
  for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36;
  SHA256_Init(&context);
  SHA256_Update(&context, block, sizeof block);
  SHA256_Update(&context, bytes, count);
  SHA256_Final(digest, &context);
  for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36 ^ 0x5c;
  SHA256_Init(&context);
  SHA256_Update(&context, block, sizeof block);
  SHA256_Update(&context, digest, 32);
  SHA256_Final(digest, &context);
}

void sectoral_md5(const void *bytes, size_t count, unsigned char digest[16]) {
  MD5_CTX context;
  MD5_Init(&context);
  MD5_Update(&context, bytes, count);
  MD5_Final(digest, &context);
}
