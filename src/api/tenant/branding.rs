//! The appearance of a tenant's pages: values and words, never markup.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{EnumSpec, rules},
    model::LinkPurpose,
};

/// Appearance of the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrandingSpec {
    /// An https URL of the logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub logo_uri: Option<String>,
    /// Color of buttons and links, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub primary_color: Option<String>,
    /// Color of the page background, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub background_color: Option<String>,
    /// Colors for people whose device is set to dark. Default: the colors above, as far as they do not glare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark: Option<DarkColorsSpec>,
    /// Font of the pages. Default: that of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub font: Option<FontSpec>,
    /// The language of pages for people whose application and browser ask for none that is known, as a
    /// language tag such as `de` or `pt-BR`. Default: English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 35))]
    #[x_kube(validation = rules::tenant::language())]
    pub default_locale: Option<String>,
    /// Links at the foot of each page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 6))]
    pub links: Vec<BrandingLinkSpec>,
    /// Words above the form of the sign-in page, such as which account to use, in each language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["locale"]))]
    pub sign_in_hint: Vec<LocalizedTextSpec>,
    /// Words at the foot of each page about where people find help, in each language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["locale"]))]
    pub support: Vec<LocalizedTextSpec>,
}

/// Colors for dark devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DarkColorsSpec {
    /// Color of buttons and links, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub primary_color: Option<String>,
    /// Color of the page background, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub background_color: Option<String>,
}

/// The font of pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FontSpec {
    /// Names of fonts, the preferred one first. Fonts of the device follow.
    #[schemars(length(min = 1, max = 5), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = rules::tenant::font_names())]
    pub families: Vec<String>,
    /// An https URL of a font file, such as a WOFF2 file, of the first name. Its server has to permit other origins
    /// (`Access-Control-Allow-Origin`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub uri: Option<String>,
}

/// A link at the foot of each page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::link_is_named())]
pub struct BrandingLinkSpec {
    /// An https URL.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub uri: String,
    /// The subject of the link, which names it in each language of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<EnumSpec<LinkPurpose>>,
    /// The name of the link in each language. Default: that of `purpose`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["locale"]))]
    pub text: Vec<LocalizedTextSpec>,
}

/// A text in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalizedTextSpec {
    /// The language, as a tag such as `de` or `pt-BR`.
    #[schemars(length(min = 2, max = 35))]
    #[x_kube(validation = rules::tenant::language())]
    pub locale: String,
    /// The text on one line, without markup.
    #[schemars(length(min = 1, max = 300))]
    #[x_kube(validation = rules::visible())]
    pub text: String,
}
