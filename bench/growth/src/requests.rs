//! The cost of a store to requests: userinfo and refresh through the whole handler, in process.
//! Without connections and logs in between, the store's part is larger than over the network.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use lanyard::{
    keys::JwtType,
    model::{AccessTokenType, ClientId, Entropy as _, SystemEntropy},
    protocol::{
        claims::AccessToken,
        records::{Grant, GrantState, RefreshToken, SealedRecord, decode_record, encode_record},
    },
    registry::ServedTenant,
    store::SharedStore,
};

use crate::{
    app::TestApp,
    population::{self, Population, SERVED},
};

const MANIFESTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app}
spec:
  tenantRef: {name: main}
  redirectUris: [https://app.example.com/callback]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile, email, offline_access]
  tokenEndpointAuthMethod: client_secret_post
  secretRef: {name: app-secret}
---
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters, password: not-a-secret}
";

type Ready = Request<Full<Bytes>>;

/// A server over a store.
pub struct TokenService {
    app: TestApp,
    population: Population,
    tenant: Arc<ServedTenant>,
    /// The generation of the current refresh token of each grant.
    generations: Mutex<BTreeMap<usize, u32>>,
}

impl TokenService {
    /// Serves the grants' tenant, its client and users.
    pub async fn start(store: SharedStore, population: Population) -> Result<Self> {
        let people = population.served_subjects().enumerate().map(|(number, subject)| {
            format!(
                "---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\n\
                 metadata: {{name: user-{number}}}\n\
                 spec: {{tenantRef: {{name: main}}, username: user-{number}, subject: {subject}, \
                 passwordSecretRef: {{name: app-secret}}}}\n"
            )
        });
        let manifests: String = [MANIFESTS.to_owned()].into_iter().chain(people).collect();
        let app = TestApp::start_over(&manifests, |_| store).await;
        let tenant = app.app.registry.snapshot();
        let tenant = tenant.tenant(&population::tenant()).context("the tenant")?;
        let (tenant, generations) = (Arc::clone(tenant), Mutex::default());
        let service = Self { app, population, tenant, generations };
        service.learn_generations().await?;
        Ok(service)
    }

    /// Reads the generation of each grant long before it is needed, because a record that was just read
    /// would be in every cache.
    async fn learn_generations(&self) -> Result<()> {
        for turn in 0..2 * SERVED {
            let number = self.population.served(turn, true);
            let stored = self.app.store.get(&population::key(number), self.app.app.now()).await?;
            let grant: Grant = decode_record(&stored.context("the grant")?.record.value)?;
            if let GrantState::Active { generation, .. } = grant.state {
                let mut known = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(number, generation);
            }
        }
        Ok(())
    }

    /// Userinfo with an access token of a grant whose signature was verified before, as for an
    /// application that sends it with each of its own requests.
    pub async fn userinfo(&self, turn: usize, offline: bool) -> Result<Ready> {
        let (app, now) = (&self.app.app, self.app.app.now());
        let client = self.tenant.client("default.app").context("the application")?;
        let number = self.population.served(turn, offline);
        let (id, record) = (population::id(number), self.population.grant(number));
        let grant: Grant = decode_record(&record.value)?;
        let claims = AccessToken {
            tenant: &self.tenant.tenant,
            client: &client,
            subject: grant.authentication.subject.as_str(),
            scopes: &grant.scopes,
            grant_id: Some(&id),
            jti: &SystemEntropy::new().id(),
            key: None,
            server: None,
            not_after: None,
            actors: None,
            details: &[],
        };
        let claims = serde_json::to_vec(&claims.claims(now))?;
        let key = self.tenant.signing_key(now).context("a key")?;
        let token = app
            .accounts
            .signer
            .sign(key, JwtType::AccessToken(AccessTokenType::AtJwt), claims)
            .await?;
        app.accounts.access_token_cache.verify(&self.tenant.keys, &token)?;
        let request = self.request(Method::GET, "userinfo");
        Ok(request.header("authorization", format!("Bearer {token}")).body(Full::default())?)
    }

    /// A refresh with the current refresh token of a grant.
    pub fn refresh(&self, turn: usize) -> Result<Ready> {
        let number = self.population.served(turn, true);
        let token = RefreshToken {
            grant_id: population::id(number),
            generation: self.use_up(number),
            client: ClientId::new("default.app"),
            expires_at: self.app.app.now().plus(Duration::from_hours(1)),
        };
        let snapshot = self.app.app.registry.snapshot();
        let sealer = snapshot.sealer.as_ref().context("sealing keys")?;
        let (now, entropy) = (self.app.app.now(), SystemEntropy::new());
        let tenant = population::tenant();
        let sealed =
            sealer.seal(RefreshToken::PURPOSE, &tenant, &encode_record(&token), &entropy, now);
        let body = format!(
            "grant_type=refresh_token&refresh_token={sealed}&client_id=default.app\
             &client_secret=a-secret-of-at-least-thirty-two-characters"
        );
        let request = self.request(Method::POST, "token");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Ok(request.body(Full::new(body.into()))?)
    }

    /// The generation of a grant, for the refresh token that is used next.
    fn use_up(&self, number: usize) -> u32 {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let next = generations.entry(number).or_insert(1);
        *next += 1;
        *next - 1
    }

    fn request(&self, method: Method, endpoint: &str) -> http::request::Builder {
        let uri = format!("/default/main/oauth/{endpoint}");
        Request::builder().method(method).uri(uri).header("host", self.app.address.to_string())
    }

    /// Answers a request, which must succeed.
    pub async fn answer(&self, request: Ready) -> Result<()> {
        let answer = self.app.app.answer(request, std::net::IpAddr::from([127, 0, 0, 1])).await;
        let (status, body) = (answer.status(), answer.into_body().collect().await?.to_bytes());
        ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}
