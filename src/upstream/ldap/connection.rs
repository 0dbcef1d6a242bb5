//! One connection to a server. It sends a request and reads its answers before it sends the next.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;

use super::{
    entry::LdapEntry,
    fault::DirectoryFault,
    messages::{
        LdapAnswer, LdapResult, LdapSearch, ResultPage, bind_request, search_request,
        unbind_request,
    },
    network::{LdapNetwork, read_answer},
};
use crate::model::LdapServer;

/// Longest time of one bind, or of one page of a search.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of the answers to one search, on all of its pages.
const MAX_SEARCH: usize = 4 * 1024 * 1024;
/// Entries of a page, below the limit of a thousand that Active Directory sets.
const PAGE_SIZE: u32 = 500;
/// Most pages of a search.
const MAX_PAGES: usize = 50;
/// Most messages of a search that are not entries.
const MAX_REFERENCES: usize = 1000;

/// An LDAP connection to one server, encrypted with TLS.
pub(super) struct LdapConnection {
    stream: TlsStream<TcpStream>,
    host: String,
    last_id: u32,
    opened_at: Instant,
    /// Whether a request has not been answered to its end, so that answers to it may follow.
    unanswered: bool,
}

/// The entries that a search found.
pub(super) struct LdapSearchEntries {
    pub(super) entries: Vec<LdapEntry>,
    pub(super) result: LdapResult,
    /// The cookie of the next page.
    cookie: Vec<u8>,
    /// The bytes of the answers.
    bytes: usize,
}

impl LdapConnection {
    pub(super) async fn open(
        network: &LdapNetwork,
        server: &LdapServer,
    ) -> Result<Self, DirectoryFault> {
        let stream = network.open_tls(server).await?;
        // The message before TLS had the first number.
        let (host, opened_at) = (server.address.host.to_string(), Instant::now());
        Ok(Self { stream, host, last_id: 1, opened_at, unanswered: false })
    }

    /// The time since it was opened.
    pub(super) fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Returns true if every request was answered to its end, so that another one can be sent.
    pub(super) const fn is_settled(&self) -> bool {
        !self.unanswered
    }

    /// Waits until the server closes the connection, or sends something although nothing was asked.
    pub(super) async fn closed(&mut self) {
        let _ = self.stream.read(&mut [0]).await;
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Binds with a password that is not empty, and gives the server's answer.
    pub(super) async fn bind(
        &mut self,
        name: &str,
        password: &str,
    ) -> Result<LdapResult, DirectoryFault> {
        let step = "bind";
        self.within(step, async |it: &mut Self| {
            it.last_id += 1;
            it.send(&bind_request(it.last_id, name, password), step).await?;
            match it.answer(step).await?.0 {
                LdapAnswer::Bind(result) => {
                    it.unanswered = false;
                    Ok(result)
                }
                _ => Err(it.malformed(step)),
            }
        })
        .await
    }

    /// Searches once. If there are more than `most` entries, it reads one more than `most` and stops. The
    /// connection is then not settled, and cannot be used again.
    pub(super) async fn search(
        &mut self,
        search: &LdapSearch<'_>,
        most: usize,
        step: &'static str,
    ) -> Result<LdapSearchEntries, DirectoryFault> {
        self.within(step, async |it: &mut Self| it.search_page(search, None, (most, 0), step).await)
            .await
    }

    /// Searches page by page. If there are more than `most` entries, it reads one more than `most` and stops. The
    /// connection is then not settled, and cannot be used again.
    pub(super) async fn search_pages(
        &mut self,
        search: &LdapSearch<'_>,
        most: usize,
        step: &'static str,
    ) -> Result<Vec<LdapEntry>, DirectoryFault> {
        let (mut entries, mut cookie, mut pages, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
        loop {
            let found = self
                .within(step, async |it: &mut Self| {
                    let page = ResultPage { size: PAGE_SIZE, cookie: &cookie };
                    it.search_page(search, Some(page), (most - entries.len(), bytes), step).await
                })
                .await?;
            if found.result.code != LdapResult::SUCCESS {
                return Err(self.refuses(step, &found.result));
            }
            pages += 1;
            bytes += found.bytes;
            entries.extend(found.entries);
            cookie = found.cookie;
            if cookie.is_empty() || entries.len() > most {
                return Ok(entries);
            }
            if pages == MAX_PAGES {
                let (host, limit) = (self.host.clone(), MAX_PAGES);
                return Err(DirectoryFault::TooManyPages { host, step, limit });
            }
        }
    }

    /// Reads one page. `bytes_before`: the bytes of the pages before it.
    async fn search_page(
        &mut self,
        search: &LdapSearch<'_>,
        page: Option<ResultPage<'_>>,
        (most, bytes_before): (usize, usize),
        step: &'static str,
    ) -> Result<LdapSearchEntries, DirectoryFault> {
        self.last_id += 1;
        self.send(&search_request(self.last_id, search, page), step).await?;
        let (mut entries, mut bytes, mut references) = (Vec::new(), 0, 0);
        loop {
            let (answer, length) = self.answer(step).await?;
            bytes += length;
            match answer {
                LdapAnswer::Entry(entry) => entries.push(entry),
                LdapAnswer::Reference if references < MAX_REFERENCES => references += 1,
                LdapAnswer::Done(result, cookie) => {
                    self.unanswered = false;
                    return Ok(LdapSearchEntries { entries, result, cookie, bytes });
                }
                _ => return Err(self.malformed(step)),
            }
            if entries.len() > most {
                let result = LdapResult { code: LdapResult::SUCCESS, message: String::new() };
                return Ok(LdapSearchEntries { entries, result, cookie: Vec::new(), bytes });
            }
            if bytes_before + bytes > MAX_SEARCH {
                let (host, limit) = (self.host.clone(), MAX_SEARCH);
                return Err(DirectoryFault::TooLarge { host, step, limit });
            }
        }
    }

    /// Ends the connection. Errors do not matter any more.
    pub(super) async fn close(mut self) {
        let request = unbind_request(self.last_id + 1);
        let end = async {
            let _ = self.stream.write_all(&request).await;
            let _ = self.stream.shutdown().await;
        };
        let _ = timeout(Duration::from_millis(500), end).await;
    }

    pub(super) fn refuses(&self, step: &'static str, result: &LdapResult) -> DirectoryFault {
        DirectoryFault::Refuses { host: self.host.clone(), step, result: result.to_string() }
    }

    fn malformed(&self, step: &'static str) -> DirectoryFault {
        DirectoryFault::Malformed { host: self.host.clone(), step }
    }

    async fn send(&mut self, request: &[u8], step: &'static str) -> Result<(), DirectoryFault> {
        self.unanswered = true;
        let sent = async {
            self.stream.write_all(request).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|_| DirectoryFault::Closed { host: self.host.clone(), step })
    }

    /// The next answer to the last request.
    async fn answer(&mut self, step: &'static str) -> Result<(LdapAnswer, usize), DirectoryFault> {
        let ((id, answer), length) = read_answer(&mut self.stream, &self.host, step).await?;
        match (id, answer) {
            // The notice of disconnection (RFC 4511 §4.4.1).
            (0, LdapAnswer::Extended(_)) => {
                Err(DirectoryFault::Closed { host: self.host.clone(), step })
            }
            (id, answer) if id == self.last_id => Ok((answer, length)),
            _ => Err(self.malformed(step)),
        }
    }

    async fn within<T>(
        &mut self,
        step: &'static str,
        run: impl AsyncFnOnce(&mut Self) -> Result<T, DirectoryFault>,
    ) -> Result<T, DirectoryFault> {
        match timeout(OPERATION_TIMEOUT, run(self)).await {
            Ok(done) => done,
            Err(_) => Err(DirectoryFault::Late { host: self.host.clone(), step }),
        }
    }
}
