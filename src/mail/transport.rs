//! Hands messages to mail servers, and asks them whether they would take some.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use rustls::RootCertStore;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::{MailError, RenderedMail, network::MailNetwork, smtp::SmtpDialogue};
use crate::{
    fetch::{EgressPolicy, is_certificate_error},
    model::{MailProbe, MailServer, ProbeError, ProbeFailure, SmtpTls},
};

/// Limit of everything, from the lookup of the host to the server's last reply. Shorter than the end of a claim
/// in which no attempt starts (`accounts::outbox::outbox_queue`).
const TIMEOUT: Duration = Duration::from_secs(10);

/// The transport of mail: it connects to mail servers and hands messages over.
pub struct MailTransport {
    network: MailNetwork,
    timeout: Duration,
}

impl fmt::Debug for MailTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailTransport").finish_non_exhaustive()
    }
}

impl MailTransport {
    /// Creates a transport to the addresses that a policy allows. `roots` verify servers without certificates of their own.
    pub fn new(policy: EgressPolicy, roots: RootCertStore) -> Self {
        Self { network: MailNetwork::new(policy, roots), timeout: TIMEOUT }
    }

    /// Returns the transport with a different time limit.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Hands a message to a server.
    ///
    /// # Errors
    ///
    /// [`MailError`] after at most ten seconds.
    pub async fn send(&self, server: &MailServer, mail: &RenderedMail) -> Result<(), MailError> {
        self.within_time(self.talk(server, Some(mail))).await
    }

    /// Connects to a server, and signs in.
    ///
    /// # Errors
    ///
    /// [`MailError`] after at most ten seconds.
    pub async fn check_server(&self, server: &MailServer) -> Result<(), MailError> {
        self.within_time(self.talk(server, None)).await
    }

    async fn within_time(
        &self,
        talk: impl Future<Output = Result<(), MailError>>,
    ) -> Result<(), MailError> {
        let late = |_| MailError::Late(self.timeout.as_secs());
        timeout(self.timeout, talk).await.map_err(late)?
    }

    async fn talk(
        &self,
        server: &MailServer,
        mail: Option<&RenderedMail>,
    ) -> Result<(), MailError> {
        let stream = self.network.connect(server).await?;
        match server.tls {
            SmtpTls::Implicit => {
                let stream = self.network.start_tls(server, stream).await?;
                let mut dialogue = SmtpDialogue::new(server, stream);
                dialogue.greet().await?;
                finish(dialogue, mail).await
            }
            SmtpTls::StartTls => {
                let mut dialogue = SmtpDialogue::new(server, stream);
                dialogue.greet().await?;
                let stream = dialogue.ask_for_tls().await?;
                let stream = self.network.start_tls(server, stream).await?;
                finish(SmtpDialogue::new(server, stream), mail).await
            }
            SmtpTls::Disabled => {
                let mut dialogue = SmtpDialogue::new(server, stream);
                dialogue.greet().await?;
                finish(dialogue, mail).await
            }
        }
    }
}

async fn finish<S: AsyncRead + AsyncWrite + Unpin>(
    mut dialogue: SmtpDialogue<'_, S>,
    mail: Option<&RenderedMail>,
) -> Result<(), MailError> {
    dialogue.sign_in().await?;
    if let Some(mail) = mail {
        dialogue.send_mail(mail).await?;
    }
    dialogue.quit().await;
    Ok(())
}

#[async_trait]
impl MailProbe for MailTransport {
    async fn probe(&self, server: &MailServer) -> Result<(), ProbeError> {
        let checked = self.check_server(server).await;
        checked
            .map_err(|error| ProbeError { failure: failure_of(&error), cause: error.to_string() })
    }
}

fn failure_of(error: &MailError) -> ProbeFailure {
    match error {
        MailError::ForbiddenAddress => ProbeFailure::HostNotAllowed,
        MailError::Unencrypted | MailError::NoStartTls => ProbeFailure::Unencrypted,
        MailError::Tls(cause) if is_certificate_error(cause) => ProbeFailure::CertificateInvalid,
        error if error.is_about_account() => ProbeFailure::AccountRefused,
        _ => ProbeFailure::Unreachable,
    }
}
