//! An identity provider that signs everyone in at once. It runs on the driver's core, so its work is
//! not the server's.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// Stands for the issuer in manifests.
pub const UPSTREAM: &str = "https://upstream.test";
/// People who sign in, one after another.
const PEOPLE: u64 = 1000;
/// Groups of each of them.
const GROUPS: u64 = 20;

/// A running provider with one ES256 key.
pub struct UpstreamProvider {
    /// The issuer, which is also the provider's base URL.
    pub issuer: String,
    key: EcdsaKeyPair,
    signed_in: AtomicU64,
}

impl UpstreamProvider {
    /// Starts it at a free port, on the runtime of the caller.
    ///
    /// # Errors
    ///
    /// No port is free, or no key can be generated.
    pub async fn start() -> Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let provider = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr()?),
            key: key.map_err(|_| anyhow!("no key"))?,
            signed_in: AtomicU64::new(0),
        });
        let served = Arc::clone(&provider);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Without it a response waits for an acknowledgement, which only costs time.
                let _ = stream.set_nodelay(true);
                let provider = Arc::clone(&served);
                let service = service_fn(move |request| answer(Arc::clone(&provider), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(provider)
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// The public key, whose point is a byte and two coordinates (SEC 1 §2.3.3).
    fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let key =
            json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "1", "x": x, "y": y });
        json!({ "keys": [key] })
    }

    /// Back to the client, with the nonce as the code.
    fn authorize(url: &Url) -> Result<String> {
        let parameter = |name| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).with_context(|| format!("no {name}"))
        };
        let mut back = Url::parse(&parameter("redirect_uri")?)?;
        let (code, state) = (parameter("nonce")?, parameter("state")?);
        back.query_pairs_mut().extend_pairs([("code", code), ("state", state)]);
        Ok(back.into())
    }

    #[expect(clippy::disallowed_methods, reason = "a driver is an edge: it may ask the system")]
    fn tokens(&self, form: &[u8]) -> Result<Value> {
        let code = form_urlencoded::parse(form).find(|(name, _)| name == "code");
        let nonce = code.context("no code")?.1;
        let number = self.signed_in.fetch_add(1, Ordering::Relaxed) % PEOPLE;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let groups: Vec<String> = (0..GROUPS).map(|group| format!("k8s-{group}")).collect();
        let claims = json!({
            "iss": self.issuer, "aud": "lanyard", "sub": format!("person-{number}"),
            "nonce": nonce, "iat": now, "exp": now + 300, "name": "A person of many",
            "preferred_username": format!("person-{number}"), "hd": "acme.test",
            "email": format!("person-{number}@acme.test"), "email_verified": true, "groups": groups,
        });
        let parts = [json!({ "alg": "ES256", "kid": "1" }), claims];
        let text = parts.map(|part| BASE64.encode(part.to_string())).join(".");
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes());
        let signature = BASE64.encode(signature.map_err(|_| anyhow!("no signature"))?);
        let id_token = format!("{text}.{signature}");
        Ok(json!({ "token_type": "Bearer", "access_token": "x", "id_token": id_token }))
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let url = Url::parse(&self.issuer)?.join(&request.uri().to_string())?;
        let document = match url.path() {
            "/.well-known/openid-configuration" => self.metadata(),
            "/jwks" => self.keys(),
            "/token" => self.tokens(&request.into_body().collect().await?.to_bytes())?,
            "/authorize" => {
                let back = Self::authorize(&url)?;
                let response = Response::builder().status(StatusCode::FOUND);
                return Ok(response.header(header::LOCATION, back).body(Full::default())?);
            }
            path => return Err(anyhow!("nothing at {path}")),
        };
        let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
        Ok(response.body(document.to_string().into())?)
    }
}

async fn answer(
    provider: Arc<UpstreamProvider>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(provider.respond(request).await.unwrap_or_else(|error| {
        let mut response = Response::new(Full::from(format!("{error:#}")));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    }))
}
