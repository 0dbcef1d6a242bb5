//! The sealed values of the device authorization grant (RFC 8628).

use serde::{Deserialize, Serialize};

use super::{RecordFormat, SealedRecord};
use crate::model::{ClientId, SealPurpose, Timestamp};

/// A device code, sealed when issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCode {
    /// The id of the grant that it gives.
    pub grant_id: String,
    /// The letters of the user code.
    pub user_code: String,
    /// The client it was issued to.
    pub client: ClientId,
    /// The time at which the device code expires.
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
    /// The time at which the request came.
    pub requested_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    #[test]
    fn the_format_of_device_codes_is_stable() {
        let code = DeviceCode {
            grant_id: "g".to_owned(),
            user_code: "BCDF".to_owned(),
            client: ClientId::new("a.b"),
            expires_at: Timestamp::from_secs(1),
        };
        let bytes = encode_record(&code);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "0101670442434446 03612e62d00f".replace(' ', ""));
        assert_eq!(decode_record(&bytes), Ok(code));
    }
}
