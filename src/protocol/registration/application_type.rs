//! The application type of a registration that names none.

use serde_json::{Map, Value};

use crate::model::{ApplicationType, RedirectScheme, RedirectUri};

/// Rule: an application is native if all its redirect URIs are on the user's device (RFC 8252 §7). These have a
/// loopback host or a scheme of the application. Others have the default `web` (OIDC Registration §2).
pub(super) fn complete_application_type(spec: &mut Map<String, Value>) {
    if spec.contains_key("applicationType") {
        return;
    }
    let uris = spec.get("redirectUris").and_then(Value::as_array).into_iter().flatten();
    let mut uris = uris.filter_map(Value::as_str).peekable();
    let on_device = |text: &str| {
        let uri = RedirectUri::parse(text, ApplicationType::Native);
        let schemes = [RedirectScheme::LoopbackHttp, RedirectScheme::Application];
        uri.is_ok_and(|uri| schemes.contains(&uri.scheme()))
    };
    if uris.peek().is_some() && uris.all(on_device) {
        spec.insert("applicationType".to_owned(), ApplicationType::Native.as_str().into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(written: Value) -> Option<String> {
        let Value::Object(mut spec) = written else { panic!("an object") };
        complete_application_type(&mut spec);
        spec.get("applicationType").and_then(Value::as_str).map(str::to_owned)
    }

    #[test]
    fn applications_on_the_device_are_native() {
        for uris in [
            json!(["http://localhost:3118/callback"]),
            json!(["http://127.0.0.1/cb", "http://[::1]/cb"]),
            json!(["cursor://anysphere.cursor-retrieval/oauth/callback"]),
            json!(["com.example.app:/cb", "http://localhost"]),
        ] {
            let found = completed(json!({ "redirectUris": uris }));
            assert_eq!(found.as_deref(), Some("native"), "{uris}");
        }
    }

    #[test]
    fn other_applications_stay_as_they_are() {
        for uris in [
            json!([]),
            json!(["https://rp.test/cb"]),
            json!(["https://rp.test/cb", "http://localhost/cb"]),
            json!(["http://rp.test/cb"]),
            json!(["javascript:alert(1)"]),
            json!(["nonsense"]),
        ] {
            assert_eq!(completed(json!({ "redirectUris": uris })), None, "{uris}");
        }
        let written = json!({ "applicationType": "web", "redirectUris": ["http://localhost/cb"] });
        assert_eq!(completed(written).as_deref(), Some("web"));
        assert_eq!(completed(json!({})), None);
    }
}
