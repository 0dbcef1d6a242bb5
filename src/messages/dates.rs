//! Days, times and durations in words.

use std::time::Duration;

use jiff::civil::DateTime;

use super::MessageCatalog;

impl MessageCatalog {
    /// A day in UTC: `29 November 2026`.
    pub fn day_in_words(&self, at: DateTime) -> String {
        let month = match at.month() {
            1 => self.month_1(),
            2 => self.month_2(),
            3 => self.month_3(),
            4 => self.month_4(),
            5 => self.month_5(),
            6 => self.month_6(),
            7 => self.month_7(),
            8 => self.month_8(),
            9 => self.month_9(),
            10 => self.month_10(),
            11 => self.month_11(),
            _ => self.month_12(),
        };
        self.date(&at.day().to_string(), month, &at.year().to_string()).to_string()
    }

    /// A day and time in UTC: `29 November 2026, 08:15 UTC`.
    pub fn time_in_words(&self, at: DateTime) -> String {
        self.date_time(&self.day_in_words(at), &at.strftime("%H:%M").to_string()).to_string()
    }

    /// A time to wait, rounded up.
    pub fn wait_in_words(&self, wait: Duration) -> String {
        match wait.as_secs() {
            seconds @ 0..=90 => self.seconds(seconds.max(1)).to_string(),
            seconds @ 91..=5400 => self.minutes(seconds.div_ceil(60)).to_string(),
            seconds => self.hours(seconds.div_ceil(3600)).to_string(),
        }
    }

    /// The time since the last use, which is stored once a minute.
    pub fn use_in_words(&self, ago: Duration) -> String {
        let minutes = ago.as_secs() / 60;
        match minutes {
            0..2 => self.used_just_now().to_owned(),
            2..60 => self.used_minutes_ago(minutes).to_string(),
            60..1440 => self.used_hours_ago(minutes / 60).to_string(),
            _ => self.used_days_ago(minutes / 1440).to_string(),
        }
    }
}
