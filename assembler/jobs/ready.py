"""What is looked at before anything starts: settings that would only fail when the first job is done."""

from __future__ import annotations

from assembler.jobs.work import output_of
from assembler.network.notify import check_notify
from assembler.network.publish import check_output, fill_template
from assembler.options import Options


def check_ready(options: Options) -> None:
    """Raises InputError or PublishError for what no job could get past; asks nobody."""
    fill_template(options.template, {})
    check_output(output_of(options), options)
    check_notify(options)
