"""What Exchange does behind Graph: times, series, meetings, who sees what. No HTTP here."""
