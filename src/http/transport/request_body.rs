//! The body of a request.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection_meter::ConnectionMeter;

/// The body of a request. Bytes that are read from it are no longer charged to the connection.
#[derive(Debug)]
pub struct RequestBody {
    body: Incoming,
    meter: Arc<ConnectionMeter>,
}

impl RequestBody {
    pub(super) const fn new(body: Incoming, meter: Arc<ConnectionMeter>) -> Self {
        Self { body, meter }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.meter.consume(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
