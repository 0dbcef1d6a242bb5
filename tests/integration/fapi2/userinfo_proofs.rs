//! FAPI 2.0 Security Profile: the DPoP proofs that userinfo accepts.

use lanyard::model::{Clock, sha256_base64url};
use serde_json::{Value, json};

use super::{
    dpop::claims as proof_claims,
    world::{Party, World, assert_error, text},
};

/// A proof for userinfo with an access token, after a change of its header and of its claims.
fn changed_proof(
    party: &Party<'_>,
    token: &str,
    change: impl FnOnce(&mut Value, &mut Value),
) -> String {
    let url = party.application.endpoint("userinfo_endpoint");
    let mut header = party.key.header();
    let mut claims = proof_claims("GET", url, party.world.app.clock.now());
    claims["ath"] = sha256_base64url(token).into();
    change(&mut header, &mut claims);
    party.key.sign(&header, &claims)
}

fn remove(members: &mut Value, name: &str) {
    let removed = members.as_object_mut().expect("an object").remove(name);
    assert!(removed.is_some(), "{name} was not there");
}

#[tokio::test]
async fn fapi2_security_profile_final_dpop_negative_tests() {
    // RFC 9449 §4.3
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let tokens = party.tokens().await;
    let token = text(&tokens, "access_token");
    let own = party.userinfo_proof(token);
    let private = |header: &mut Value, _: &mut Value| header["jwk"]["d"] = "AAAA".into();
    let typed = |header: &mut Value, _: &mut Value| header["typ"] = "JWT".into();
    let mut refused = vec![
        ("a private key".to_owned(), changed_proof(&party, token, private)),
        ("another typ".to_owned(), changed_proof(&party, token, typed)),
        ("a wrong signature".to_owned(), format!("{}AAAA", &own[..own.len() - 4])),
    ];
    for name in ["typ", "alg", "jwk"] {
        let proof = changed_proof(&party, token, |header, _| remove(header, name));
        refused.push((format!("no {name}"), proof));
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        let proof = changed_proof(&party, token, |_, claims| remove(claims, name));
        refused.push((format!("no {name}"), proof));
    }
    for seconds in [3600, -3600] {
        let at = world.now() + seconds;
        let proof = changed_proof(&party, token, |_, claims| claims["iat"] = at.into());
        refused.push((format!("iat: {seconds} s ahead"), proof));
    }
    for (what, proof) in refused {
        let answer = party.userinfo("DPoP", token, Some(&proof)).await;
        assert_eq!((answer.0, &answer.1["error"]), (401, &json!("invalid_dpop_proof")), "{what}");
    }
    let url = party.application.endpoint("userinfo_endpoint");
    let mut request = world.http.get(url).header("authorization", format!("DPoP {token}"));
    for _ in 0..2 {
        request = request.header("dpop", party.userinfo_proof(token));
    }
    let response = request.send().await.expect("an answer");
    let answer = (response.status().as_u16(), response.json().await.expect("JSON"));
    assert_error(&answer, 401, "invalid_dpop_proof");
}

#[tokio::test]
async fn challenges_name_the_schemes_and_algorithms_of_the_profile() {
    // RFC 9449 §7.1, Security Profile §5.4.1
    let world = World::new().await;
    for (name, token, expected) in [
        ("secure", None, &["DPoP"][..]),
        ("secure", Some("AAAA"), &["DPoP"]),
        ("plain", None, &["Bearer", "DPoP"]),
        ("plain", Some("AAAA"), &["Bearer"]),
    ] {
        let url = format!("{}/oauth/userinfo", world.app.issuer(name));
        let mut request = world.http.get(url);
        if let Some(token) = token {
            request = request.header("authorization", format!("DPoP {token}"));
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 401);
        let challenges = response.headers().get_all("www-authenticate").iter();
        let challenges: Vec<_> = challenges.map(|it| it.to_str().expect("text")).collect();
        let schemes: Vec<_> = challenges.iter().filter_map(|it| it.split(' ').next()).collect();
        assert_eq!(schemes, expected, "{name}: {challenges:?}");
        for challenge in challenges.iter().filter(|it| it.starts_with("DPoP")) {
            let of_profile = "algs=\"ES256 EdDSA Ed25519 PS256\"";
            assert_eq!(challenge.contains(of_profile), name == "secure", "{challenge}");
        }
    }
}

#[tokio::test]
async fn extra_members_and_the_query_of_htu_do_not_count() {
    // Also of the module fapi2-security-profile-final-dpop-negative-tests
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let tokens = party.tokens().await;
    let token = text(&tokens, "access_token");
    let url = party.application.endpoint("userinfo_endpoint");
    let with_url =
        |url: String| changed_proof(&party, token, |_, claims| claims["htu"] = url.into());
    for (what, proof) in [
        ("a query and a fragment", with_url(format!("{url}?a=b#c"))),
        ("a query", with_url(format!("{url}?a=b"))),
        (
            "extra members",
            changed_proof(&party, token, |header, claims| {
                header["extra"] = json!("of the header");
                claims["extra"] = json!({ "of": ["the", "claims"] });
            }),
        ),
    ] {
        let (status, person) = party.userinfo("DPoP", token, Some(&proof)).await;
        assert_eq!(status, 200, "{what}: {person}");
    }
}
