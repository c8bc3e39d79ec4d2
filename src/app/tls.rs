//! The door where TLS is spoken, and its certificate.

use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::base::Shutdown;
use crate::config::Tls;
use crate::delivery::Certificate;

/// How often the certificate's files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Opens the door; none where TLS is spoken nowhere.
pub(super) async fn tls_door(tls: Option<&Tls>) -> anyhow::Result<Option<(TcpListener, Certificate)>> {
    let Some(Tls { listen, certificate, key }) = tls else { return Ok(None) };
    let certificate = Certificate::read(certificate, key).context("the certificate for TLS")?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("listening for TLS on {listen} (is another server running?)"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving by TLS at https://{address}");
    Ok(Some((listener, certificate)))
}

/// Takes another certificate when its files change, until `stop`.
pub(super) async fn keep_certificate(certificate: Certificate, stop: Shutdown) {
    let mut said = String::new();
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        // A disk that hangs holds up nobody else.
        let again = certificate.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || again.reload()).await else { continue };
        match read {
            Ok(true) => tracing::info!("there is another certificate: it is in force"),
            Ok(false) => said.clear(),
            // A key that has not been written yet mends itself; what stays wrong is said once.
            Err(error) if error.to_string() == said => {}
            Err(error) => {
                tracing::error!(%error, "the certificate could not be read again: the last good one stays in force");
                said = error.to_string();
            }
        }
    }
}
