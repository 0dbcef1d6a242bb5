//! The record of a request that a client makes on one device and a person answers on another. The request comes
//! from a device (RFC 8628) or over the backchannel (OpenID Connect CIBA Core 1.0).

use serde::{Deserialize, Serialize};

use super::{
    BackchannelDetails, BackchannelRequest, DecodeError, FormatVersion, RecordFormat,
    RequestingDevice, legacy,
};
use crate::{
    model::{Client, ClientId, ObjectKey, Timestamp},
    protocol::cross_device::MAX_WAITING_TIME,
};

/// A request that waits for the answer of a person. That of a device is stored under its user code, one over the
/// backchannel under the id of its grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossDeviceAuthorization {
    /// The id of the grant that the person's permission stores, and the client's next poll takes.
    pub grant_id: String,
    /// The ID of the client that made the request.
    pub client: ClientId,
    /// The `OidcClient` object of the client.
    pub client_object: ObjectKey,
    /// The authorization request as a query string.
    pub query: String,
    /// The address that the request came from.
    pub address: String,
    /// The time at which the request came.
    pub requested_at: Timestamp,
    /// The time at which the request expires.
    pub expires_at: Timestamp,
    /// The answer of the person.
    pub answer: CrossDeviceAnswer,
    /// The part that only a request over the backchannel has; `None` for a device.
    pub backchannel: Option<BackchannelDetails>,
}

impl RecordFormat for CrossDeviceAuthorization {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        match (version.major, version.minor) {
            (0, 1) => legacy::parse_without_last_fields(fields, 1),
            _ => Err(DecodeError),
        }
    }
}

impl CrossDeviceAuthorization {
    /// Returns true if the client made the request. Its object is compared too, because another object may get the
    /// id.
    pub fn belongs_to_client(&self, client: &Client) -> bool {
        self.client == client.id && self.client_object == client.object
    }

    /// When the record ends. A refused request is stored for the maximum waiting time, even if the client asked for
    /// less. Clients that repeat it can thus be made to wait.
    pub fn stored_until(&self) -> Timestamp {
        match self.answer {
            CrossDeviceAnswer::Refused => {
                self.expires_at.max(self.requested_at.plus(MAX_WAITING_TIME))
            }
            CrossDeviceAnswer::Pending | CrossDeviceAnswer::Allowed => self.expires_at,
        }
    }

    /// Returns true if the person refused it recently.
    pub fn is_refused(&self, now: Timestamp) -> bool {
        self.answer == CrossDeviceAnswer::Refused && now < self.stored_until()
    }

    /// Returns true if the person can still answer it.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.answer == CrossDeviceAnswer::Pending && now < self.expires_at
    }
}

/// The answer of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossDeviceAnswer {
    /// The person has not answered yet.
    Pending,
    /// The person allowed it: the grant is stored, and waits for the client.
    Allowed,
    /// The person refused it. The client's next poll gets `access_denied`.
    Refused,
}

/// The request that a person answers, as the pages of the sign-in name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossDeviceRequest<'a> {
    /// The request of a device.
    Device(&'a RequestingDevice),
    /// A request over the backchannel.
    Backchannel(&'a BackchannelRequest),
}

impl<'a> CrossDeviceRequest<'a> {
    /// The id of the grant that the client gets.
    pub fn grant_id(self) -> &'a str {
        match self {
            Self::Device(device) => &device.grant_id,
            Self::Backchannel(request) => &request.grant_id,
        }
    }

    /// The address that the request came from.
    pub fn address(self) -> &'a str {
        match self {
            Self::Device(device) => &device.address,
            Self::Backchannel(request) => &request.address,
        }
    }

    /// The time at which the request came.
    pub const fn requested_at(self) -> Timestamp {
        match self {
            Self::Device(device) => device.requested_at,
            Self::Backchannel(request) => request.requested_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    fn waiting() -> CrossDeviceAuthorization {
        CrossDeviceAuthorization {
            grant_id: "g".to_owned(),
            client: ClientId::new("a.b"),
            client_object: ObjectKey::new("a", "b"),
            query: "q".to_owned(),
            address: "::1".to_owned(),
            requested_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(2),
            answer: CrossDeviceAnswer::Pending,
            backchannel: None,
        }
    }

    fn text(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_formats_of_cross_device_authorizations_are_stable() {
        let start = "016703612e6201610162017103 3a3a31d00fa01f".replace(' ', "");
        for (answer, last) in [
            (CrossDeviceAnswer::Pending, "00"),
            (CrossDeviceAnswer::Allowed, "01"),
            (CrossDeviceAnswer::Refused, "02"),
        ] {
            let record = CrossDeviceAuthorization { answer, ..waiting() };
            let bytes = encode_record(&record);
            assert_eq!(text(&bytes), format!("02{start}{last}00"));
            assert_eq!(decode_record(&bytes), Ok(record));
        }
        let details = BackchannelDetails {
            subject: "s".to_owned(),
            binding_message: Some("m".to_owned()),
            notification: Some("n".to_owned()),
        };
        let record = CrossDeviceAuthorization { backchannel: Some(details), ..waiting() };
        let bytes = encode_record(&record);
        assert_eq!(text(&bytes), format!("02{start}00 01 0173 01016d 01016e").replace(' ', ""));
        assert_eq!(decode_record(&bytes), Ok(record));
    }

    #[test]
    fn the_first_format_is_read() {
        let mut first = encode_record(&waiting());
        (first[0], _) = (1, first.pop());
        assert_eq!(decode_record(&first), Ok(waiting()));
    }
}
