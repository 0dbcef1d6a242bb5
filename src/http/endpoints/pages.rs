//! The issuer's root, and static files of the pages.

use http::StatusCode;

use crate::{
    http::{AppState, EndpointError, Reply, Request, pages},
    model::{Endpoint, Tenant},
};

/// `GET I`: leads people who open the issuer's URL to the account page.
pub async fn root_page(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    Ok(Reply::see_other(&Endpoint::Account.absolute_path(&request.tenant.tenant.issuer)))
}

/// `GET I/_lanyard/…`: static files whose URLs change with their content.
pub async fn static_file(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let file = asset_file(&request.path_param, Some(&request.tenant.tenant));
    Ok(file.unwrap_or_else(|| Reply::empty(StatusCode::NOT_FOUND)))
}

/// A static file, cached without expiry.
pub(in crate::http) fn asset_file(name: &str, tenant: Option<&Tenant>) -> Option<Reply> {
    pages::static_asset(name, tenant).map(|asset| {
        Reply::file(asset.content_type, asset.body)
            .header("cache-control", "public, max-age=31536000, immutable")
    })
}
