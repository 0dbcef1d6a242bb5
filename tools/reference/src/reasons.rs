//! The page of condition types, condition reasons and Event reasons.

use lanyard::api::{ConditionReason, ConditionType, EventReason};

use crate::markdown::{code, prose, table};

/// The page of conditions and Events.
pub fn page() -> String {
    let conditions: Vec<[String; 3]> = ConditionType::ALL
        .iter()
        .map(|it| [code(it.as_str()), it.objects().to_owned(), prose(it.meaning())])
        .collect();
    let reasons: Vec<[String; 4]> = ConditionReason::ALL
        .iter()
        .map(|it| [code(it.as_str()), conditions_of(*it), prose(it.meaning()), prose(it.remedy())])
        .collect();
    let events: Vec<[String; 5]> = EventReason::OWN
        .iter()
        .map(|it| {
            let objects = it.objects().to_owned();
            let event_type = it.event_type().as_str().to_owned();
            [code(it.as_str()), event_type, objects, prose(it.meaning()), prose(it.remedy())]
        })
        .collect();
    format!(
        "# Conditions and Events\n\n\
         ## Conditions\n\n\
         The reason of `Ready` is that of the first condition that is not True among `Accepted`, `ResolvedRefs`, `KeysReady`, \
         `SecretReady` and `Programmed`.\n\n\
         {}\n\
         ## Reasons of conditions\n\n\
         The second column has the types of the conditions that can have the reason, and the kinds of the objects. `Ready` \
         has the reason of another condition as well, and `Stalled` has a reason of `Accepted` that only an edit of the \
         object can remove.\n\n{}\n\
         ## Reasons of Events\n\n\
         When `Ready` becomes False with one of the reasons above, except `Pending`, the object gets an Event of type \
         Warning with that reason: at once if only an edit of the object can help, else after 5 seconds. The other Events \
         have these reasons:\n\n{}",
        table(["Condition", "Objects", "Meaning of True"], &conditions),
        table(["Reason", "Condition (objects)", "Meaning", "Remedy"], &reasons),
        table(["Reason", "Type", "Objects", "Meaning", "Remedy"], &events)
    )
}

/// The conditions that can have a reason, with the kinds of the objects.
fn conditions_of(reason: ConditionReason) -> String {
    let places = reason.conditions().iter();
    let texts: Vec<String> = places
        .map(|(condition, kinds)| format!("{} ({kinds})", code(condition.as_str())))
        .collect();
    texts.join(", ")
}
