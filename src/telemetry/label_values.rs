//! Closed sets of label values, which are also documented.

/// The values of a label, each with its meaning as Markdown.
pub type LabelValues = &'static [(&'static str, &'static str)];

macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $meaning])+ $variant,)+ }

        impl $name {
            /// All values of the label, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Each value of the label with its meaning, as Markdown.
            pub const VALUES: $crate::telemetry::LabelValues =
                &[$(($text, concat!($($meaning),+).trim_ascii()),)+];

            /// The value of the label on `/metrics`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl prometheus_client::encoding::EncodeLabelValue for $name {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> Result<(), std::fmt::Error> {
                prometheus_client::encoding::EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    };
}

pub(super) use label_values;
