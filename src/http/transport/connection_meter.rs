//! Counts the bytes that a connection holds apart from the requests being answered: received bytes of
//! an incomplete head or TLS handshake, and responses that the client does not read.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::{MemoryExceeded, MemoryPermit};

/// Bytes of a connection that do not count, so that most requests do not lock the budget.
const FREE_BYTES: usize = 4 * 1024;
/// Bytes on the wire around a request or a part of its body: TLS records, frames, chunk sizes.
const FRAMING_BYTES: usize = 256;
/// The least bytes on the wire around the body of a response.
const MIN_RESPONSE_HEAD_BYTES: usize = 64;
/// Memory of a stream that waits for the client to read.
const STREAM_BYTES: usize = 2 * 1024;
/// Number of concurrent streams whose state is not counted. A browser that opens a page needs as many.
const FREE_STREAMS: usize = 4;
/// Memory that a connection keeps to its end for each of the most streams that it had at once: tables
/// and buffers of HTTP/2 grow, and do not shrink.
const STREAM_STATE_BYTES: usize = 1536;

/// The bytes that a connection holds.
#[derive(Debug)]
pub(super) struct ConnectionMeter {
    state: Mutex<MeterState>,
    exceeded: Notify,
}

#[derive(Debug)]
struct MeterState {
    permit: MemoryPermit,
    /// Bytes received that no request or part of a body has consumed.
    received: usize,
    /// Bytes of responses that are not sent yet.
    unsent: usize,
    /// Responses whose body was not passed on yet.
    open: usize,
    /// Bytes that stay until the connection ends.
    kept: usize,
    /// Requests that are being answered.
    answering: usize,
    /// The most streams that were open at once.
    most_streams: usize,
}

impl MeterState {
    fn held(&self) -> usize {
        let streams = self.most_streams.saturating_sub(FREE_STREAMS);
        self.received
            + self.unsent
            + self.open * STREAM_BYTES
            + streams * STREAM_STATE_BYTES
            + self.kept
    }
}

impl ConnectionMeter {
    pub(super) fn new(permit: MemoryPermit) -> Arc<Self> {
        let state = MeterState {
            permit,
            received: 0,
            unsent: 0,
            open: 0,
            kept: 0,
            answering: 0,
            most_streams: 0,
        };
        Arc::new(Self { state: Mutex::new(state), exceeded: Notify::new() })
    }

    /// Counts bytes that were read from the connection. Fails if they exceed the memory budget.
    fn receive(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        self.update(|state| state.received += bytes)
    }

    /// Subtracts bytes that became a request's head or a part of its body.
    pub(super) fn consume(&self, bytes: usize) {
        let bytes = bytes + FRAMING_BYTES;
        let _ = self.update(|state| state.received = state.received.saturating_sub(bytes));
    }

    /// Subtracts the bytes of a complete handshake.
    pub(super) fn consume_all(&self) {
        let _ = self.update(|state| state.received = 0);
    }

    /// Counts bytes until the connection ends.
    pub(super) fn keep(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        self.update(|state| state.kept += bytes)
    }

    /// Counts a request until the result is dropped. If it exceeds a limit, the connection has to end.
    pub(super) fn begin_request(self: &Arc<Self>) -> MeteredRequest {
        if self.update(|state| state.answering += 1).is_err() {
            self.exceeded.notify_one();
        }
        MeteredRequest(Arc::clone(self))
    }

    /// Counts a response until it is sent. If it exceeds a limit, the connection has to end.
    pub(super) fn respond(self: &Arc<Self>, body: Full<Bytes>) -> MeteredBody {
        let bytes = body.size_hint().lower();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX) + MIN_RESPONSE_HEAD_BYTES;
        let fits = self.update(|state| {
            state.unsent += bytes;
            state.open += 1;
        });
        if fits.is_err() {
            self.exceeded.notify_one();
        }
        MeteredBody { body, meter: Arc::clone(self) }
    }

    /// Counts bytes of a response as sent, so they are held no longer.
    fn send(&self, bytes: usize) {
        let _ = self.update(|state| state.unsent = state.unsent.saturating_sub(bytes));
    }

    /// Completes when streams, or responses that the client does not read, exceed a limit.
    pub(super) async fn exceeded(&self) {
        self.exceeded.notified().await;
    }

    fn update(&self, change: impl FnOnce(&mut MeterState)) -> Result<(), MemoryExceeded> {
        let mut state = self.state();
        change(&mut state);
        state.most_streams = state.most_streams.max(state.answering + state.open);
        let held = state.held().saturating_sub(FREE_BYTES);
        state.permit.resize(held)
    }

    fn state(&self) -> MutexGuard<'_, MeterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered, counted until it is dropped.
#[derive(Debug)]
pub(super) struct MeteredRequest(Arc<ConnectionMeter>);

impl Drop for MeteredRequest {
    fn drop(&mut self) {
        let _ = self.0.update(|state| state.answering -= 1);
    }
}

/// The body of a response, counted as open until it is dropped.
#[derive(Debug)]
pub(super) struct MeteredBody {
    body: Full<Bytes>,
    meter: Arc<ConnectionMeter>,
}

impl Body for MeteredBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for MeteredBody {
    fn drop(&mut self) {
        let _ = self.meter.update(|state| state.open -= 1);
    }
}

/// A stream whose bytes are counted. Reading fails once they exceed a limit.
pub(super) struct MeteredStream<S> {
    stream: S,
    meter: Arc<ConnectionMeter>,
}

impl<S> MeteredStream<S> {
    pub(super) const fn new(stream: S, meter: Arc<ConnectionMeter>) -> Self {
        Self { stream, meter }
    }

    fn sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.send(bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let received = self.meter.receive(buffer.filled().len() - before);
        Poll::Ready(received.map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::http::transport::MemoryBudget;

    fn budget() -> Arc<MemoryBudget> {
        MemoryBudget::new(1 << 20, 64 * 1024)
    }

    fn meter(budget: &Arc<MemoryBudget>) -> Arc<ConnectionMeter> {
        ConnectionMeter::new(budget.permit(Some([192, 0, 2, 1].into())))
    }

    #[tokio::test]
    async fn bytes_that_no_request_consumes_are_limited() {
        let budget = budget();
        let meter = meter(&budget);
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let mut server = MeteredStream::new(server, Arc::clone(&meter));
        let mut buffer = vec![0; 32 * 1024];
        for _ in 0..10 {
            client.write_all(&buffer).await.expect("sent");
            server.read_exact(&mut buffer).await.expect("within the limit");
            meter.consume(buffer.len());
        }
        assert_eq!(budget.used(), 0);
        client.write_all(&vec![0; 32 * 1024 * 3]).await.expect("sent");
        server.read_exact(&mut buffer).await.expect("within the limit");
        assert_eq!(budget.used(), 28 * 1024);
        server.read_exact(&mut buffer).await.expect("within the limit");
        server.read_exact(&mut buffer).await.expect_err("beyond the limit");
        drop((server, meter));
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn responses_count_until_they_are_sent() {
        let budget = budget();
        let meter = meter(&budget);
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let mut server = MeteredStream::new(server, Arc::clone(&meter));
        let body = meter.respond(Full::from(vec![0; 20_000]));
        assert!(budget.used() > 16_000);
        let bytes = body.collect().await.expect("a body").to_bytes();
        assert!(budget.used() > 14_000, "the stream is closed, but its bytes are not sent");
        server.write_all(&[0; 100]).await.expect("sent");
        server.write_all(&bytes).await.expect("sent");
        client.read_exact(&mut vec![0; 20_100]).await.expect("received");
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn kept_bytes_count_until_the_connection_ends() {
        let budget = budget();
        let (one, other) = (meter(&budget), meter(&budget));
        one.keep(32 * 1024).expect("within the limit");
        one.consume_all();
        assert_eq!(budget.used(), 28 * 1024);
        other.keep(64 * 1024).expect_err("beyond the limit");
        drop(one);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn unread_responses_end_the_connection() {
        let budget = budget();
        let meter = meter(&budget);
        let held: Vec<_> = (0..40).map(|_| meter.respond(Full::from("unread"))).collect();
        meter.exceeded().await;
        drop(held);
        meter.send(40 * (MIN_RESPONSE_HEAD_BYTES + 6));
        assert_eq!(
            budget.used(),
            36 * STREAM_STATE_BYTES - FREE_BYTES,
            "the state of streams stays"
        );
        drop(meter);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn many_concurrent_requests_count_to_the_end_of_the_connection() {
        let budget = budget();
        let few = meter(&budget);
        for _ in 0..100 {
            let _some: Vec<_> = (0..FREE_STREAMS).map(|_| few.begin_request()).collect();
        }
        assert_eq!(budget.used(), 0);
        let many = meter(&budget);
        drop((0..32).map(|_| many.begin_request()).collect::<Vec<_>>());
        assert_eq!(budget.used(), 28 * STREAM_STATE_BYTES - FREE_BYTES);
        let more = meter(&budget);
        let _held: Vec<_> = (0..32).map(|_| more.begin_request()).collect();
        more.exceeded().await;
    }
}
