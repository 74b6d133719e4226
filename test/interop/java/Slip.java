import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Hashtable;
import java.util.List;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Countersignatures with Bouncy Castle: verify MESSAGE CONTENT CERTIFICATES prints who signed, one after the other;
 * countersign MESSAGE CERTIFICATE KEY OID VALUE OUT signs the last signature of the chain, with one attribute more. Files in
 * DER.
 */
public class Slip {
  public static void main(String[] words) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    if (words[0].equals("verify")) verify(words);
    else countersign(words);
  }

  private static byte[] read(String file) throws Exception {
    return Files.readAllBytes(Path.of(file));
  }

  private static void verify(String[] words) throws Exception {
    CMSSignedData data = new CMSSignedData(new CMSProcessableByteArray(read(words[2])), read(words[1]));
    List<X509CertificateHolder> certificates = new ArrayList<>();
    for (int index = 3; index < words.length; index++) certificates.add(new X509CertificateHolder(read(words[index])));
    Collection<SignerInformation> signers = data.getSignerInfos().getSigners();
    while (!signers.isEmpty()) {
      if (signers.size() > 1) throw new IllegalStateException("several beside each other");
      SignerInformation signer = signers.iterator().next();
      X509CertificateHolder certificate = null;
      for (X509CertificateHolder candidate : certificates) if (signer.getSID().match(candidate)) certificate = candidate;
      if (certificate == null) throw new IllegalStateException("nobody has this key identifier");
      if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
        throw new IllegalStateException("the signature does not fit");
      }
      System.out.println(certificate.getSubject());
      signers = signer.getCounterSignatures().getSigners();
    }
  }

  private static void countersign(String[] words) throws Exception {
    CMSSignedData data = new CMSSignedData(read(words[1]));
    X509CertificateHolder certificate = new X509CertificateHolder(read(words[2]));
    PrivateKey key = KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(read(words[3])));
    byte[] digest = java.security.MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
    ASN1EncodableVector attributes = new ASN1EncodableVector();
    attributes.add(
        new Attribute(
            PKCSObjectIdentifiers.id_aa_signingCertificateV2,
            new DERSet(new SigningCertificateV2(new ESSCertIDv2(digest)))));
    attributes.add(
        new Attribute(new ASN1ObjectIdentifier(words[4]), new DERSet(ASN1Primitive.fromByteArray(read(words[5])))));
    CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
    generator.addSignerInfoGenerator(
        new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
            .setSignedAttributeGenerator(new DefaultSignedAttributeTableGenerator(new AttributeTable(attributes)))
            .build(
                new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(key),
                subjectKeyIdentifier(certificate)));
    SignerInformation signer = data.getSignerInfos().getSigners().iterator().next();
    SignerInformation longer = countersigned(signer, generator);
    CMSSignedData out = CMSSignedData.replaceSigners(data, new SignerInformationStore(longer));
    Files.write(Path.of(words[6]), out.toASN1Structure().getEncoded("DER"));
  }

  private static byte[] subjectKeyIdentifier(X509CertificateHolder certificate) {
    return org.bouncycastle.asn1.x509.SubjectKeyIdentifier.fromExtensions(certificate.getExtensions()).getKeyIdentifier();
  }

  private static SignerInformation countersigned(SignerInformation signer, CMSSignedDataGenerator generator)
      throws Exception {
    Collection<SignerInformation> below = signer.getCounterSignatures().getSigners();
    if (below.isEmpty()) return SignerInformation.addCounterSigners(signer, generator.generateCounterSigners(signer));
    // The chain goes on inside of the countersignature that is there, so that one is replaced.
    SignerInformation longer = countersigned(below.iterator().next(), generator);
    Hashtable unsigned = signer.getUnsignedAttributes().toHashtable();
    unsigned.put(
        PKCSObjectIdentifiers.pkcs_9_at_counterSignature,
        new Attribute(PKCSObjectIdentifiers.pkcs_9_at_counterSignature, new DERSet(longer.toASN1Structure())));
    return SignerInformation.replaceUnsignedAttributes(signer, new AttributeTable(unsigned));
  }
}
