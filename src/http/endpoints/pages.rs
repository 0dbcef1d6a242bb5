//! What is neither an endpoint nor a form: the issuer's own address, style sheets, icons.

use http::StatusCode;

use crate::{
    http::{AppState, EndpointError, Reply, Request, pages},
    model::Tenant,
};

/// `GET I`: where an issuer's address leads a person who opens it.
#[expect(clippy::unused_async, reason = "handlers have one shape")]
pub async fn root(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let tenant = &request.tenant.tenant;
    let detail = format!("Its metadata is at {}/.well-known/openid-configuration", tenant.issuer);
    let page = pages::error_page(&pages::ErrorPage {
        tenant: Some(tenant),
        title: &tenant.display_name,
        message: "This is the address of a sign-in service. It has no page of its own.",
        advice: "Open the application that you want to use; it brings you here when you sign in.",
        detail: &detail,
        code: "",
        request_id: &request.id,
        retry: None,
    });
    Ok(Reply::html(StatusCode::OK, page))
}

/// `GET I/_lanyard/…`: files whose addresses change with their content.
#[expect(clippy::unused_async, reason = "handlers have one shape")]
pub async fn asset(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let name = request.path.trim_start_matches("/_lanyard/");
    let file = file(name, Some(&request.tenant.tenant));
    Ok(file.unwrap_or_else(|| Reply::empty(StatusCode::NOT_FOUND)))
}

/// A file of the pages, to be kept for ever.
pub(in crate::http) fn file(name: &str, tenant: Option<&Tenant>) -> Option<Reply> {
    pages::asset(name, tenant).map(|asset| {
        Reply::file(asset.content_type, asset.body)
            .header("cache-control", "public, max-age=31536000, immutable")
    })
}
