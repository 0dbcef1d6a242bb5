//! The pages on which a person enters the code of a device and reads the outcome (RFC 8628 §3.3).

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Client, Endpoint, Tenant},
};

/// The content of the page that asks for the code of a device.
#[derive(Clone, Copy, Debug)]
pub struct DevicePage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The code of the link that was opened, or that was typed before; empty without one.
    pub code: &'a str,
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
}

/// The answer of a person to a request of another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossDeviceOutcome {
    /// The person has allowed it: the device or application gets its tokens.
    Allowed,
    /// The person has refused it: the device or application gets `access_denied`.
    Refused,
    /// The sign-in of the person does not suffice.
    Unmet,
    /// The request was answered before, or has expired.
    Over,
}

#[derive(Template)]
#[template(path = "pages/device.html")]
struct DeviceTemplate<'a> {
    frame: PageFrame<'a>,
    action: String,
    code: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/device_result.html")]
struct DeviceResultTemplate<'a> {
    frame: PageFrame<'a>,
    is_allowed: bool,
    title: &'a str,
    message: String,
}

/// Renders the page that asks for the code.
pub fn device_page(page: &DevicePage) -> String {
    render_page(&DeviceTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        action: Endpoint::Device.absolute_path(&page.tenant.issuer),
        code: page.code,
        problem: page.problem,
    })
}

/// Renders the page after the answer.
pub fn device_result(
    (tenant, text): (&Tenant, &MessageCatalog),
    client: &Client,
    outcome: CrossDeviceOutcome,
) -> String {
    let (title, message) = match outcome {
        CrossDeviceOutcome::Allowed => {
            (text.device_allowed_title(), text.device_allowed_text(&client.name).to_string())
        }
        CrossDeviceOutcome::Refused => {
            (text.device_refused_title(), text.device_refused_text().to_owned())
        }
        CrossDeviceOutcome::Unmet => {
            (text.device_refused_title(), text.device_unmet_text(&client.name).to_string())
        }
        CrossDeviceOutcome::Over => (text.device_over_title(), text.device_over_text().to_owned()),
    };
    let frame = PageFrame::new(Some(tenant), text);
    let is_allowed = outcome == CrossDeviceOutcome::Allowed;
    render_page(&DeviceResultTemplate { frame, is_allowed, title, message })
}
