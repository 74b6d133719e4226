/**
 * The common name by which certificates show an entity to people, and to brokers that know no URIs.
 *
 * @module identity/common-name (floor 5)
 */

/**
 * The entity's id. OpenSSL and GnuTLS take a common name with dots for a host name, hold it against the constraints of
 * the issuer, and would refuse what the authority issued; with a space in it, it is none. No id has a space, so that
 * different entities have different names.
 */
export function commonNameOf(entity: string): string {
  return entity.includes('.') ? `id ${entity}` : entity
}
