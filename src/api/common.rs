//! Types shared by several kinds.

use std::{collections::BTreeMap, fmt};

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// Reference to one entry of a Secret in this object's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Entry of the Secret. The default depends on the field that contains this reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub key: Option<String>,
}

/// The namespaces whose objects are admitted, as in the Gateway API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::selector_where_it_counts())]
pub struct AllowedNamespaces {
    /// `Same`: this object's namespace only. `All`: every namespace. `Selector`: namespaces
    /// whose labels match `selector`. Default: `Same`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NamespacesFrom>,
    /// Labels of the namespaces admitted by `from: Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Selects namespaces by their labels. A namespace must meet every requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that the namespace must have with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements on the namespace's labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::values_where_they_count())]
pub struct SelectorRequirement {
    /// Name of the label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How `values` are compared: `In`, `NotIn`, `Exists` or `DoesNotExist`.
    #[schemars(length(max = 32), extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist"]))]
    pub operator: String,
    /// Values for `In` and `NotIn`; must be empty for `Exists` and `DoesNotExist`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub values: Vec<String>,
}

/// Declares an API enum whose schema lists the known values. Unknown values deserialize as
/// `Unknown`, so that validation can report them (`Accepted=False, UnsupportedValue`).
macro_rules! api_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that this release does not support.
            Unknown(String),
        }

        impl $name {
            /// The values that this release supports.
            pub const KNOWN: &'static [&'static str] = &[$($text,)+];

            /// The value as it appears in manifests.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Unknown(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::KNOWN })
            }
        }
    };
}
pub(super) use api_enum;

api_enum!(
    /// The namespaces that are admitted.
    NamespacesFrom {
        /// Only the object's own namespace.
        Same = "Same",
        /// Every namespace.
        All = "All",
        /// Namespaces that match the selector.
        Selector = "Selector",
    }
);

api_enum!(
    /// Which clients get a new refresh token each time they use one.
    RefreshTokenRotation {
        /// All clients.
        Always = "Always",
        /// Clients without a secret.
        PublicClients = "PublicClients",
    }
);

impl fmt::Display for SecretKeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}[{key}]", self.name),
            None => f.write_str(&self.name),
        }
    }
}
