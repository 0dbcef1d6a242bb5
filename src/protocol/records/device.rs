//! The records of the device authorization grant (RFC 8628).

use serde::{Deserialize, Serialize};

use super::{RecordFormat, SealedRecord};
use crate::model::{Client, ClientId, ObjectKey, SealPurpose, Timestamp};

/// The request of a device, stored under its user code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAuthorization {
    /// The id of the grant that the person's permission stores, and the device code gives.
    pub grant_id: String,
    /// The client that asked.
    pub client: ClientId,
    /// The `OidcClient` object of the client.
    pub client_object: ObjectKey,
    /// The authorization request as a query string.
    pub query: String,
    /// The address that the request came from.
    pub address: String,
    /// When it came.
    pub requested_at: Timestamp,
    /// When the codes expire.
    pub expires_at: Timestamp,
    /// The answer of the person.
    pub answer: DeviceAnswer,
}

impl RecordFormat for DeviceAuthorization {}

impl DeviceAuthorization {
    /// Returns true if the request is that of this client: of its id and of its object, because another object
    /// may get the id.
    pub fn is_of(&self, client: &Client) -> bool {
        self.client == client.id && self.client_object == client.object
    }
}

/// The answer of the person to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceAnswer {
    /// The person has not answered yet.
    Pending,
    /// The person allowed it: the grant is stored, and waits for the device.
    Allowed,
    /// The person refused it.
    Refused,
}

/// A device code, sealed when issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCode {
    /// The id of the grant that it gives.
    pub grant_id: String,
    /// The letters of the user code.
    pub user_code: String,
    /// The client it was issued to.
    pub client: ClientId,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl RecordFormat for DeviceCode {}

impl SealedRecord for DeviceCode {
    const PURPOSE: SealPurpose = SealPurpose::DeviceCode;
}

/// The device that a person answers, as the pages of the sign-in name it. It is part of their sealed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestingDevice {
    /// The id of the grant that the device gets.
    pub grant_id: String,
    /// The letters of the user code.
    pub user_code: String,
    /// The address that the request came from.
    pub address: String,
    /// When it came.
    pub requested_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn waiting() -> DeviceAuthorization {
        DeviceAuthorization {
            grant_id: "g".to_owned(),
            client: ClientId::new("a.b"),
            client_object: ObjectKey::new("a", "b"),
            query: "q".to_owned(),
            address: "::1".to_owned(),
            requested_at: at(1),
            expires_at: at(2),
            answer: DeviceAnswer::Pending,
        }
    }

    #[test]
    fn the_formats_are_stable() {
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        for (answer, last) in [
            (DeviceAnswer::Pending, "00"),
            (DeviceAnswer::Allowed, "01"),
            (DeviceAnswer::Refused, "02"),
        ] {
            let record = DeviceAuthorization { answer, ..waiting() };
            let bytes = encode_record(&record);
            assert_eq!(
                text(&bytes),
                format!("01016703612e6201610162017103 3a3a31d00fa01f{last}").replace(' ', "")
            );
            assert_eq!(decode_record(&bytes), Ok(record));
        }
        let code = DeviceCode {
            grant_id: "g".to_owned(),
            user_code: "BCDF".to_owned(),
            client: ClientId::new("a.b"),
            expires_at: at(1),
        };
        let bytes = encode_record(&code);
        assert_eq!(text(&bytes), "0101670442434446 03612e62d00f".replace(' ', ""));
        assert_eq!(decode_record(&bytes), Ok(code));
    }
}
