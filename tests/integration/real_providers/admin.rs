//! The administration of Keycloak by its REST API.

use reqwest::Method;
use serde_json::json;

use super::*;

/// Name and password of the first administrator.
pub(super) const ADMINISTRATOR: [(&str, &str); 2] = [
    ("KC_BOOTSTRAP_ADMIN_USERNAME", "root"),
    ("KC_BOOTSTRAP_ADMIN_PASSWORD", "the password of root"),
];

/// The administrator of a realm.
pub(super) struct RealmAdministrator {
    /// The base URL of Keycloak.
    base: String,
    realm: &'static str,
    client: reqwest::Client,
}

impl RealmAdministrator {
    pub(super) fn of(realm: &'static str, port: u16) -> Self {
        let base = format!("http://localhost:{port}");
        Self { base, realm, client: reqwest::Client::new() }
    }

    /// An access token is valid for a minute, so each request gets its own.
    async fn token(&self) -> String {
        let [(_, username), (_, password)] = ADMINISTRATOR;
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", username),
            ("password", password),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.base);
        let answer = self.client.post(url).form(&form).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/admin/realms/{}/{path}", self.base, self.realm);
        let request = self.client.request(method, &url).bearer_auth(self.token().await);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("text");
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn user(&self, name: &str) -> String {
        let path = format!("users?exact=true&username={name}");
        let found = self.call(Method::GET, &path, None).await;
        found[0]["id"].as_str().unwrap_or_else(|| panic!("{name}: {found}")).to_owned()
    }

    /// Moves a person from one group to another.
    pub(super) async fn move_person(&self, name: &str, from: &str, to: &str) {
        let user = self.user(name).await;
        for (method, group) in [(Method::DELETE, from), (Method::PUT, to)] {
            let group = self.call(Method::GET, &format!("group-by-path/{group}"), None).await;
            let group = group["id"].as_str().unwrap_or_else(|| panic!("{group}")).to_owned();
            self.call(method, &format!("users/{user}/groups/{group}"), None).await;
        }
    }

    /// Disables a person, or enables one.
    pub(super) async fn set_enabled(&self, name: &str, enabled: bool) {
        let user = self.user(name).await;
        let mut person = self.call(Method::GET, &format!("users/{user}"), None).await;
        person["enabled"] = json!(enabled);
        self.call(Method::PUT, &format!("users/{user}"), Some(person)).await;
    }

    /// Deletes the user with this name from the realm.
    pub(super) async fn delete(&self, name: &str) {
        let user = self.user(name).await;
        self.call(Method::DELETE, &format!("users/{user}"), None).await;
    }

    /// Ends all sessions of a person. Keycloak sends logout tokens to the clients.
    pub(super) async fn sign_out(&self, name: &str) {
        let user = self.user(name).await;
        self.call(Method::POST, &format!("users/{user}/logout"), None).await;
    }
}
