//! The records of requests over the backchannel (OpenID Connect CIBA Core 1.0).

use serde::{Deserialize, Serialize};

use super::{RecordFormat, SealedRecord};
use crate::model::{ClientId, ObjectKey, SealPurpose, Timestamp};

/// The part of a request's record that only one over the backchannel has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackchannelDetails {
    /// The `sub` of the person who is asked.
    pub subject: String,
    /// `binding_message`, which the person compares; `None` if the client sent none.
    pub binding_message: Option<String>,
    /// The sealed [`PingNotification`] of a client that gets one when the person has answered.
    pub notification: Option<String>,
}

/// The request that a person answers on the account page. It is part of the sealed state of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackchannelRequest {
    /// The id of the grant that the client gets.
    pub grant_id: String,
    /// The `sub` of the person who is asked. No other person may answer.
    pub subject: String,
    /// `binding_message`, which the person compares; `None` if the client sent none.
    pub binding_message: Option<String>,
    /// The address that the request came from.
    pub address: String,
    /// The time at which the request came.
    pub requested_at: Timestamp,
}

/// An `auth_req_id`, sealed when issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthReqId {
    /// The id of the grant that it gives, and of the request.
    pub grant_id: String,
    /// The client it was issued to.
    pub client: ClientId,
    /// The time at which the `auth_req_id` expires.
    pub expires_at: Timestamp,
}

impl RecordFormat for AuthReqId {}

impl SealedRecord for AuthReqId {
    const PURPOSE: SealPurpose = SealPurpose::AuthReqId;
}

/// The content of a ping, sealed while the request waits: a reader of the database cannot send one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingNotification {
    /// The client that gets it.
    pub client: ClientId,
    /// The `OidcClient` object of the client: another object may get the id.
    pub client_object: ObjectKey,
    /// `auth_req_id` in the ping, as the client got it from the backchannel authentication endpoint.
    pub auth_req_id: String,
    /// `client_notification_token` of the client's request, which the ping is sent with as a bearer token
    /// (CIBA Core §10.2).
    pub token: String,
}

impl RecordFormat for PingNotification {}

impl SealedRecord for PingNotification {
    const PURPOSE: SealPurpose = SealPurpose::PingNotification;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    #[test]
    fn the_formats_of_backchannel_requests_and_pings_are_stable() {
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let client = ClientId::new("a.b");
        let id = AuthReqId {
            grant_id: "g".to_owned(),
            client: client.clone(),
            expires_at: Timestamp::from_secs(1),
        };
        let bytes = encode_record(&id);
        assert_eq!(text(&bytes), "01016703612e62d00f");
        assert_eq!(decode_record(&bytes), Ok(id));
        let ping = PingNotification {
            client,
            client_object: ObjectKey::new("a", "b"),
            auth_req_id: "r".to_owned(),
            token: "t".to_owned(),
        };
        let bytes = encode_record(&ping);
        assert_eq!(text(&bytes), "0103612e620161016201720174");
        assert_eq!(decode_record(&bytes), Ok(ping));
    }
}
