//! Devices that wait for the answer of a person (RFC 8628).

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::{http::Http, target::Target, work::encoded};

/// The interval of a response that names none (RFC 8628 §3.2).
const DEFAULT_INTERVAL: u64 = 5;

struct WaitingDevice {
    code: String,
    interval: Duration,
    /// The moment from which it may poll.
    due: Instant,
}

/// Devices that poll in turn. No person answers them.
#[derive(Default)]
pub struct WaitingDevices(VecDeque<WaitingDevice>);

impl WaitingDevices {
    /// Asks for the code of another device (RFC 8628 §3.1).
    ///
    /// # Errors
    ///
    /// The provider refuses, with its answer.
    pub async fn add(&mut self, http: &mut Http, target: &Target) -> Result<()> {
        let form = encoded(&[("scope", &target.application.scope)]);
        let answer = http.post(target.device_authorization()?, target.basic(), form).await?;
        let said: Value = serde_json::from_slice(&answer.body)?;
        let code = said["device_code"].as_str();
        let code = code.with_context(|| format!("the answer has no device_code: {said}"))?;
        let interval = Duration::from_secs(said["interval"].as_u64().unwrap_or(DEFAULT_INTERVAL));
        self.0.push_front(WaitingDevice { code: code.to_owned(), interval, due: Instant::now() });
        Ok(())
    }

    /// Polls for the device that is due first, at its time (RFC 8628 §3.4). Any answer except that the person has
    /// not answered yet is an error.
    ///
    /// # Errors
    ///
    /// An unexpected response.
    pub async fn poll(&mut self, http: &mut Http, target: &Target) -> Result<()> {
        let mut device = self.0.pop_front().context("this worker has no device")?;
        sleep_until(device.due).await;
        device.due = Instant::now() + device.interval;
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        let form = encoded(&[("grant_type", grant_type), ("device_code", &device.code)]);
        self.0.push_back(device);
        let answer = http.post(&target.token, target.basic(), form).await?;
        let said: Value = serde_json::from_slice(&answer.body)?;
        if said["error"] != "authorization_pending" {
            bail!("a device whose person has not answered got: {said}");
        }
        Ok(())
    }
}
