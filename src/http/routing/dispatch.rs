//! Dispatches a request: finds tenant and route, reads the body, runs the handler, and adds the
//! common headers.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;
use tracing::Instrument;

use async_trait::async_trait;

use super::{
    body, request_context::RequestContext, route_match::RouteMatch, router,
    signed_response::sign_authorization_response,
};
use crate::{
    http::{
        AppState, ConnectionInfo, EndpointError, Reply, Request, RequestBody, RequestLanguage,
        RequestService, cookies, pages,
        web::{
            authorization_response::encode_authorization_response,
            cors,
            error::{ErrorFormat, reject_request},
            not_found::RoutingError,
            security_headers::add_security_headers,
        },
    },
    model::Endpoint,
    telemetry::RequestOutcome,
};

#[async_trait]
impl RequestService for AppState {
    async fn call(
        &self,
        request: http::Request<RequestBody>,
        connection: ConnectionInfo,
    ) -> Response<Full<Bytes>> {
        self.answer(request, connection).await
    }
}

impl AppState {
    /// Responds to a request of a connection.
    pub async fn answer<B>(
        &self,
        request: http::Request<B>,
        connection: impl Into<ConnectionInfo>,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let ConnectionInfo { peer, certificates } = connection.into();
        // Durations use a monotonic clock: most are microseconds, and the wall clock may jump.
        let (now, started) = (self.now(), Instant::now());
        let _in_flight = self.accounts.metrics.request_began();
        let (mut arrival, asked) = self.request_context(&request, (peer, &certificates), now);
        let method = request.method().clone();
        let found = self.find_route(&request, (&asked, &certificates), &mut arrival);
        let (endpoint, tenant) = match &found {
            Ok(found) => (found.route.endpoint, Some(found.tenant.tenant.id.clone())),
            Err(_) => (Endpoint::Other, None),
        };
        // The level is error, so that the fields are in lines of every level, whatever the filter.
        // The access line below is outside of the span, whose fields it has itself.
        let span = tracing::error_span!(
            "request",
            request_id = arrival.id,
            tenant = tenant.as_ref().map(tracing::field::display),
            endpoint = endpoint.label(),
        );
        let response = match found {
            Ok(found) => self.serve(request, &mut arrival, found).instrument(span).await,
            Err(nothing) => {
                self.answer_without_route(&request, nothing, asked.authority.as_deref(), &arrival)
            }
        };
        let (status, took) = (response.status().as_u16(), started.elapsed());
        let outcome = RequestOutcome::of_answer(status, arrival.facts.is_fault_of_provider());
        self.accounts.metrics.request(tenant.as_ref(), endpoint, outcome, took);
        tracing::info!(
            target: "lanyard::access",
            request_id = arrival.id,
            method = known(&method),
            endpoint = endpoint.label(),
            tenant = tenant.as_ref().map(tracing::field::display),
            client = arrival.facts.client(),
            user = arrival.facts.user(),
            address = %arrival.address,
            status,
            duration_ms = milliseconds(took),
            "request"
        );
        response
    }

    /// Responds to a request that no route matches: with a static file, the page at the base URL, or
    /// the error.
    fn answer_without_route<B>(
        &self,
        request: &http::Request<B>,
        nothing: RoutingError,
        authority: Option<&str>,
        arrival: &RequestContext,
    ) -> Response<Full<Bytes>> {
        let (request_id, language) = (&*arrival.id, arrival.language(request, None));
        let is_for_browsers = !arrival.is_mutual_tls && nothing != RoutingError::Internal;
        let file = router::common_static_file(request.uri().path()).filter(|_| is_for_browsers);
        if let Some(reply) = file {
            return add_security_headers(reply, (None, &language), true, request_id);
        }
        let page = self.base_page(nothing, request, (authority, &language));
        let shows_page = is_for_browsers && accepts_page(request.headers());
        let error = || nothing.reply(shows_page, &language, request_id);
        let reply = page.unwrap_or_else(error);
        add_security_headers(reply, (None, &language), false, request_id)
    }

    /// The page at the base URL, for requests to it while no tenant has it as issuer.
    fn base_page<B>(
        &self,
        nothing: RoutingError,
        request: &http::Request<B>,
        (authority, language): (Option<&str>, &RequestLanguage),
    ) -> Option<Reply> {
        let page = self.base_page.get().filter(|_| nothing == RoutingError::Issuer)?;
        let reads = *request.method() == Method::GET || *request.method() == Method::HEAD;
        (reads && page.is_at(authority?, request.uri().path())).then(|| {
            let html = pages::base_root(&page.base_url, page.demo.as_deref(), language.text());
            Reply::html(StatusCode::OK, html)
        })
    }

    async fn serve<B>(
        &self,
        request: http::Request<B>,
        arrival: &mut RequestContext,
        found: RouteMatch,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let RouteMatch { tenant, route, path_param, internal_host } = found;
        let language = Arc::new(arrival.language(&request, Some(&tenant.tenant)));
        let of = (Some(&tenant.tenant), &*language);
        let (parts, body) = request.into_parts();
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let is_preflight =
            parts.method == Method::OPTIONS && route.cors.at(&tenant) != cors::CorsPolicy::None;
        let mut reply = if is_preflight {
            let mut reply = Reply::empty(StatusCode::NO_CONTENT);
            let asked = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
            cors::preflight_reply(&mut reply.headers, &route.methods(), asked);
            reply
        } else if let Some(handler) = route.handler(&parts.method) {
            match body::read_body(body, &self.config.limits, &mut arrival.memory).await {
                Err((status, why)) => {
                    let reply = reject_request(status, why, of, (route.error_format, &arrival.id));
                    // The rest of the body is not read, so the connection cannot be reused.
                    reply.header("connection", "close")
                }
                Ok(body) => {
                    let request = Request {
                        id: arrival.id.clone(),
                        method: parts.method,
                        tenant: Arc::clone(&tenant),
                        internal_host,
                        endpoint: route.endpoint,
                        path_param,
                        query: parts.uri.query().unwrap_or_default().to_owned(),
                        headers: parts.headers,
                        body,
                        address: arrival.address,
                        certificate: arrival.certificate.take(),
                        is_forwarded_host: arrival.is_forwarded_host,
                        snapshot: Arc::clone(&arrival.snapshot),
                        now: arrival.now,
                        store_now: self.accounts.store_clock.at(arrival.now),
                        facts: Arc::clone(&arrival.facts),
                        language: Arc::clone(&language),
                    };
                    self.run(handler, request, route.error_format).await
                }
            }
        } else {
            let why = "This method is not allowed; see the Allow header.";
            let about = (route.error_format, &*arrival.id);
            reject_request(StatusCode::METHOD_NOT_ALLOWED, why, of, about)
                .header("allow", &route.methods())
        };
        cors::allowed_origin(route.cors, &tenant, origin, &mut reply.headers);
        for (purpose, value) in std::mem::take(&mut reply.cookies) {
            let cookie = cookies::set_cookie(purpose, &tenant, value.as_deref());
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                reply.headers.append(header::SET_COOKIE, cookie);
            }
        }
        add_security_headers(reply, of, route.cacheable, &arrival.id)
    }

    /// Runs a handler. A panic becomes an internal error.
    async fn run(&self, handler: router::Handler, request: Request, format: ErrorFormat) -> Reply {
        let (id, tenant) = (request.id.clone(), Arc::clone(&request.tenant));
        let (facts, language) = (Arc::clone(&request.facts), Arc::clone(&request.language));
        let times = (request.now, request.store_now);
        let handling = AssertUnwindSafe(handler(self, request)).catch_unwind();
        let limit = self.config.limits.request_timeout;
        let result = match tokio::time::timeout(limit, handling).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(EndpointError::Internal("the handler panicked".to_owned())),
            Err(_) => Err(EndpointError::Unavailable("the request took too long".to_owned())),
        };
        let reply_to = |failure: EndpointError| {
            failure.log();
            if failure.is_fault_of_provider() {
                facts.record_fault_of_provider();
            }
            failure.reply((Some(&tenant.tenant), &language), format, &id)
        };
        let reply = result.unwrap_or_else(reply_to);
        let signed = sign_authorization_response(self, &tenant, times, reply).await;
        encode_authorization_response(signed.unwrap_or_else(reply_to), (&tenant.tenant, &language))
    }
}

/// Returns true if the client shows pages.
fn accepts_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Converts to milliseconds, rounded to microseconds.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// The method as logged; an arbitrary method could be as long as the request head.
fn known(method: &Method) -> &str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "OTHER" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_requests_have_a_nonzero_duration() {
        let said = milliseconds(Duration::from_nanos(21_499)).to_string();
        assert_eq!(said, "0.021");
    }
}
