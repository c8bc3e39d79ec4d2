//! TLS: the certificate, which may change while the server runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// What the two files of a certificate hold.
type Files = (Vec<u8>, Vec<u8>);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// They are not what they should be.
    #[error("{path}: {what}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What was expected.
        what: String,
    },
}

/// The certificate in force and where it comes from; clones share it.
#[derive(Debug, Clone)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Arc<ArcSwap<(Files, Arc<CertifiedKey>)>>,
}

impl Certificate {
    /// Reads the chain and its private key, both PEM (RFC 7468).
    pub fn read(chain: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let files = read(chain, key)?;
        let certified = certified(chain, key, &files)?;
        let current = Arc::new(ArcSwap::from_pointee((files, certified)));
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again; true: there is another certificate, for connections from now on.
    /// What is no certificate leaves the last good one in force.
    pub fn reload(&self) -> Result<bool, BadCertificate> {
        let files = read(&self.chain, &self.key)?;
        if self.current.load().0 == files {
            return Ok(false);
        }
        let certified = certified(&self.chain, &self.key, &files)?;
        self.current.store(Arc::new((files, certified)));
        Ok(true)
    }

    /// Accepts TLS 1.2 and 1.3 with it, HTTP/2 before HTTP/1.1.
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(InForce(Arc::clone(&self.current))));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Whoever comes again on a slow line is spared half of the greeting.
        config.ticketer = ring::Ticketer::new().map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn read(chain: &Path, key: &Path) -> Result<Files, BadCertificate> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| BadCertificate::Unreadable { path: path.to_owned(), source })
    };
    Ok((read(chain)?, read(key)?))
}

fn certified(chain: &Path, key: &Path, files: &Files) -> Result<Arc<CertifiedKey>, BadCertificate> {
    let unfit = |path: &Path, what: String| BadCertificate::Unfit { path: path.to_owned(), what };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&files.0)
        .collect::<Result<_, _>>()
        .map_err(|e| unfit(chain, format!("expected certificates as PEM, the server's own first: {e}")))?;
    if certificates.is_empty() {
        return Err(unfit(chain, "expected certificates as PEM, the server's own first".into()));
    }
    let private = PrivateKeyDer::from_pem_slice(&files.1)
        .map_err(|e| unfit(key, format!("expected the certificate's private key as PEM: {e}")))?;
    CertifiedKey::from_der(certificates, private, &ring::default_provider())
        .map(Arc::new)
        .map_err(|e| unfit(key, format!("expected the private key of {}: {e}", chain.display())))
}

/// Whatever certificate is in force when somebody greets.
#[derive(Debug)]
struct InForce(Arc<ArcSwap<(Files, Arc<CertifiedKey>)>>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().1))
    }
}
