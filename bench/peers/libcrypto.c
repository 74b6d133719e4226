/*
 * libcrypto as a peer: CMS_verify and CMS_sign over the files of a folder, as often as standard input asks.
 *
 *   libcrypto TASK FOLDER, TASK one of verify, verify-chain, verify-crls, sign
 *
 * Says "ready", or "cannot: " and why. Then each line of input is a number of operations, answered by their nanoseconds,
 * after half as many
 * that are not measured.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  unsigned char *data;
  long length;
} Octets;

static void cannot(const char *why) {
  printf("cannot: %s\n", why);
  exit(0);
}

static void failed(const char *what) {
  fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static Octets read_file(const char *folder, const char *name, int required) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  Octets octets = {NULL, 0};
  if (file == NULL) {
    if (required) failed(path);
    return octets;
  }
  fseek(file, 0, SEEK_END);
  octets.length = ftell(file);
  rewind(file);
  octets.data = malloc((size_t)octets.length + 1);
  if (octets.data == NULL || fread(octets.data, 1, (size_t)octets.length, file) != (size_t)octets.length) failed(path);
  fclose(file);
  return octets;
}

static X509 *read_certificate(const char *folder, const char *name) {
  Octets octets = read_file(folder, name, 1);
  const unsigned char *at = octets.data;
  X509 *certificate = d2i_X509(NULL, &at, octets.length);
  if (certificate == NULL) failed(name);
  return certificate;
}

static X509_CRL *read_crl(const char *folder, const char *name) {
  Octets octets = read_file(folder, name, 1);
  const unsigned char *at = octets.data;
  X509_CRL *crl = d2i_X509_CRL(NULL, &at, octets.length);
  if (crl == NULL) failed(name);
  return crl;
}

#define MAX_MESSAGES 4096
static Octets messages[MAX_MESSAGES];
static int message_count = 0;

/* Each with its length before it, in four octets. */
static void read_messages(const char *folder) {
  Octets all = read_file(folder, "messages.bin", 1);
  for (long at = 0; at + 4 <= all.length && message_count < MAX_MESSAGES; message_count++) {
    const unsigned char *head = all.data + at;
    long length = ((long)head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3];
    messages[message_count].data = all.data + at + 4;
    messages[message_count].length = length;
    at += 4 + length;
  }
  if (message_count == 0) failed("no messages");
}

static Octets content;
static X509 *signer;
static STACK_OF(X509) *certificates;
static X509_STORE *store;
static EVP_PKEY *key;
static int flags;

static int verify_one(int index) {
  Octets message = messages[index % message_count];
  const unsigned char *at = message.data;
  CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, message.length);
  BIO *detached = BIO_new_mem_buf(content.data, (int)content.length);
  int ok = cms != NULL && CMS_verify(cms, certificates, store, detached, NULL, (unsigned)flags) == 1;
  BIO_free(detached);
  CMS_ContentInfo_free(cms);
  return ok;
}

static int sign_one(int index) {
  (void)index;
  BIO *in = BIO_new_mem_buf(content.data, (int)content.length);
  CMS_ContentInfo *cms = CMS_sign(signer, key, NULL, in, (unsigned)flags);
  unsigned char *der = NULL;
  int length = cms == NULL ? 0 : i2d_CMS_ContentInfo(cms, &der);
  OPENSSL_free(der);
  CMS_ContentInfo_free(cms);
  BIO_free(in);
  return length > 0;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc != 3) failed("usage: libcrypto TASK FOLDER");
  const char *task = argv[1], *folder = argv[2];
  content = read_file(folder, "content.bin", 1);
  signer = read_certificate(folder, "signer.der");
  X509 *issuing = read_certificate(folder, "issuing.der");
  certificates = sk_X509_new_null();
  sk_X509_push(certificates, signer);
  sk_X509_push(certificates, issuing);
  store = X509_STORE_new();
  X509_STORE_add_cert(store, read_certificate(folder, "root.der"));
  /* Version 3.0 builds no path from the certificates that it is given; one from its store still ends at the root. */
  X509_STORE_add_cert(store, issuing);
  int is_sign = strcmp(task, "sign") == 0;
  if (is_sign) {
    Octets octets = read_file(folder, "signer-key.der", 1);
    const unsigned char *at = octets.data;
    key = d2i_AutoPrivateKey(NULL, &at, octets.length);
    if (key == NULL) {
      char why[128];
      snprintf(why, sizeof why, "%s has no such keys", OpenSSL_version(OPENSSL_VERSION));
      cannot(why);
    }
    flags = CMS_BINARY | CMS_DETACHED | CMS_NOCERTS | CMS_NOSMIMECAP | CMS_USE_KEYID;
  } else {
    read_messages(folder);
    flags = CMS_BINARY;
    if (strcmp(task, "verify") == 0) flags |= CMS_NO_SIGNER_CERT_VERIFY;
    if (strcmp(task, "verify-crls") == 0) {
      X509_STORE_add_crl(store, read_crl(folder, "issuing.crl"));
      X509_STORE_add_crl(store, read_crl(folder, "root.crl"));
      X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
  }
  int (*one)(int) = is_sign ? sign_one : verify_one;
  if (!one(0)) {
    unsigned long error = ERR_peek_last_error();
    char why[512], version[128];
    ERR_error_string_n(error, why, sizeof why);
    snprintf(version, sizeof version, "%s", OpenSSL_version(OPENSSL_VERSION));
    char both[700];
    snprintf(both, sizeof both, "%s: %s", version, why);
    cannot(both);
  }
  printf("ready %s\n", OpenSSL_version(OPENSSL_VERSION));
  char line[64];
  int next = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    long count = atol(line);
    for (long index = 0; index < (count + 1) / 2; index++) one(next++ & 0x3fffffff);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long index = 0; index < count; index++)
      if (!one(next++ & 0x3fffffff)) failed(task);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + (end.tv_nsec - start.tv_nsec));
  }
  return 0;
}
