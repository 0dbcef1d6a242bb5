//! Tokens of the cluster's ServiceAccounts: what the API server answers about them.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Secret, Timestamp};

/// An answer of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDocument {
    /// The body, within a limit.
    pub body: Vec<u8>,
    /// How long it may be used (`Cache-Control: max-age`).
    pub max_age: Option<Duration>,
}

/// The reason why tokens of ServiceAccounts cannot be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterTokenError {
    /// The process runs without a cluster.
    #[error("ServiceAccount tokens need a cluster")]
    NoCluster,
    /// The API server does not permit the request.
    #[error(
        "the API server does not permit Lanyard's ServiceAccount to {0}; set serviceAccountTokens in the values of the chart"
    )]
    Forbidden(&'static str),
    /// The API server does not answer, or with an error.
    #[error("the API server does not answer: {0}")]
    Unavailable(String),
    /// The answer cannot be used.
    #[error("the API server's answer has {0}")]
    Unusable(&'static str),
}

/// Asks the API server about tokens of ServiceAccounts. Each call ends within seconds.
#[async_trait]
pub trait ClusterTokens: Send + Sync + fmt::Debug {
    /// The discovery document (`/.well-known/openid-configuration`).
    async fn discovery(&self) -> Result<ClusterDocument, ClusterTokenError>;

    /// The keys that sign tokens (`/openid/v1/jwks`).
    async fn keys(&self) -> Result<ClusterDocument, ClusterTokenError>;

    /// Whether a token is valid now for an audience (`TokenReview`): its Pod and its ServiceAccount exist.
    async fn review(
        &self,
        token: &Secret<String>,
        audience: &str,
    ) -> Result<bool, ClusterTokenError>;

    /// The token of Lanyard's own ServiceAccount, which shows the issuer of the cluster even if the API server
    /// permits nothing; `None` if Lanyard has no such token.
    async fn own_token(&self) -> Option<Secret<String>> {
        None
    }
}

/// Access to the API server that is shared between tasks.
pub type SharedClusterTokens = Arc<dyn ClusterTokens>;

/// Knowledge of a replica about its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTokenState {
    /// The issuer of ServiceAccount tokens, once it is known.
    pub issuer: Option<Arc<str>>,
    /// Why tokens cannot be verified now.
    pub error: Option<ClusterTokenError>,
}

/// A probe of the verification of ServiceAccount tokens, for conditions.
#[async_trait]
pub trait ClusterTokenProbe: Send + Sync + fmt::Debug {
    /// The state now. The API server is asked if its last answer is old.
    async fn state(&self, now: Timestamp) -> ClusterTokenState;
}

/// A probe that is shared between tasks.
pub type SharedClusterTokenProbe = Arc<dyn ClusterTokenProbe>;
