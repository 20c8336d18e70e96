"""All rows of the fault matrix."""

from typing import Final

from tests.e2e import faults_of_answers, faults_of_module, faults_of_network
from tests.e2e.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *faults_of_module.FAULTS,
    *faults_of_answers.FAULTS,
    *faults_of_network.FAULTS,
)
