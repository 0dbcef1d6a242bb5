//! The time from an apply until the object is served: from the moment that the write is sent until
//! a request is answered by it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    args::Args,
    objects::{LIVE, object},
    server::GrowthServer,
};

/// Time in which an object must be served.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes objects to the place that the measured server reads them from.
pub trait Writer {
    /// Applies an object, as `kubectl apply` would.
    async fn apply(&self, object: &Value) -> Result<()>;
    /// Deletes an object, which is found by its kind, namespace and name.
    async fn delete(&self, object: &Value) -> Result<()>;
}

/// The times of objects of one kind, sorted.
#[derive(Debug)]
pub struct ChangeFigures {
    /// The change and its object, as a row of the tables names them.
    pub what: &'static str,
    /// One time for each object.
    pub took: Vec<Duration>,
}

/// Applies objects of each kind, one after another, and waits for each.
pub async fn measure(
    args: &Args,
    server: &GrowthServer,
    writer: &impl Writer,
) -> Result<Vec<ChangeFigures>> {
    let host = object("Tenant", LIVE, "host", &json!({}));
    writer.apply(&host).await?;
    let at_host = format!("{}/{LIVE}/host", server.url);
    until(server, &discovery(&at_host), true).await?;
    let mut all = Vec::new();
    for (what, method) in
        [("a public client", "none"), ("a client with a Secret to be made", "client_secret_basic")]
    {
        let mut took = Vec::new();
        for number in 0..args.applies {
            let name = format!("new-{method}-{number}").replace('_', "-");
            let client = client(&name, method, &[]);
            let url = authorize(&at_host, &name, "https://rp.example.com/cb");
            took.push(one(server, writer, &client, &url).await?);
            writer.delete(&client).await?;
            until(server, &url, false).await?;
            pause(number).await;
        }
        all.push(figures(what, took));
    }
    let mut took = Vec::new();
    for number in 0..args.applies {
        let added = format!("https://rp.example.com/cb-{number}");
        let url = authorize(&at_host, "edited", &added);
        took.push(one(server, writer, &client("edited", "none", &[&added]), &url).await?);
        pause(number).await;
    }
    all.push(figures("an edit of a client", took));
    let mut took = Vec::new();
    for number in 0..args.applies {
        let name = format!("new-{number}");
        let tenant = object("Tenant", LIVE, &name, &json!({}));
        let url = discovery(&format!("{}/{LIVE}/{name}", server.url));
        took.push(one(server, writer, &tenant, &url).await?);
        writer.delete(&tenant).await?;
        until(server, &url, false).await?;
        pause(number).await;
    }
    all.push(figures("a tenant, whose keys are to be made", took));
    writer.delete(&client("edited", "none", &[])).await?;
    writer.delete(&host).await?;
    Ok(all)
}

async fn one(
    server: &GrowthServer,
    writer: &impl Writer,
    object: &Value,
    url: &str,
) -> Result<Duration> {
    let sent = Instant::now();
    writer.apply(object).await?;
    until(server, url, true).await?;
    Ok(sent.elapsed())
}

async fn until(server: &GrowthServer, url: &str, served: bool) -> Result<()> {
    let begun = Instant::now();
    while server.status(url).await.is_some_and(|status| status < 400) != served {
        if begun.elapsed() > WAIT_TIMEOUT {
            bail!("{url}: served is not {served} within {WAIT_TIMEOUT:?}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// Waits until follow-up work of a change is done, and varies the moment within each period.
async fn pause(number: usize) {
    let jitter = u64::try_from(number * 37 % 100).unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(150 + jitter)).await;
}

fn figures(what: &'static str, mut took: Vec<Duration>) -> ChangeFigures {
    took.sort();
    ChangeFigures { what, took }
}

fn client(name: &str, method: &str, more: &[&String]) -> Value {
    let mut uris = vec!["https://rp.example.com/cb"];
    uris.extend(more.iter().map(|uri| uri.as_str()));
    let spec = json!({
        "tenantRef": { "name": "host" },
        "redirectUris": uris,
        "tokenEndpointAuthMethod": method,
    });
    object("OidcClient", LIVE, name, &spec)
}

fn discovery(issuer: &str) -> String {
    format!("{issuer}/.well-known/openid-configuration")
}

/// Only a served client gets the sign-in page, and only for its redirect URI.
fn authorize(issuer: &str, client: &str, redirect_uri: &str) -> String {
    format!(
        "{issuer}/oauth/authorize?response_type=code&scope=openid&client_id={LIVE}.{client}\
         &redirect_uri={redirect_uri}&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
}
