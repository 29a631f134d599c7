"""Published range files, in the form their clouds document."""

from __future__ import annotations

import json

import pytest

from flowkit.enrich.addresses import pack
from flowkit.enrich.cloud_ranges import cloud_ranges
from flowkit.enrich.subnets import SubnetLabels

# https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html
AWS = {
    "syncToken": "1",
    "prefixes": [
        {"ip_prefix": "3.5.204.0/22", "region": "eu-west-3", "service": "AMAZON", "network_border_group": "eu-west-3"},
        {"ip_prefix": "3.5.204.0/22", "region": "eu-west-3", "service": "S3", "network_border_group": "eu-west-3"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2a05:d050:c000::/40", "region": "eu-west-3", "service": "S3"}],
}
# https://www.gstatic.com/ipranges/cloud.json
GOOGLE = {
    "prefixes": [
        {"ipv4Prefix": "34.1.208.0/20", "service": "Google Cloud", "scope": "africa-south1"},
        {"ipv6Prefix": "2600:1900:8000::/44", "service": "Google Cloud", "scope": "africa-south1"},
    ]
}
# Azure IP Ranges and Service Tags: values of name and properties.addressPrefixes
AZURE = {
    "cloud": "Public",
    "values": [
        {"name": "AzureCloud.westeurope", "properties": {"addressPrefixes": ["20.38.108.0/23", "13.69.0.0/17"]}},
        {"name": "Storage", "properties": {"addressPrefixes": ["20.38.108.0/23"]}},
        {"name": "Storage.WestEurope", "properties": {"addressPrefixes": ["20.38.108.0/23"]}},
    ],
}
CASES = {
    "aws": (json.dumps(AWS), {"3.5.205.175": "EXT:AWS_S3_eu-west-3", "2a05:d050:c000::1": "EXT:AWS_S3_eu-west-3"}),
    "google": (
        json.dumps(GOOGLE),
        {"34.1.208.9": "EXT:GCP_africa-south1", "2600:1900:8000::1": "EXT:GCP_africa-south1"},
    ),
    "azure": (
        json.dumps(AZURE),
        {"20.38.108.1": "EXT:Azure_Storage_WestEurope", "13.69.0.1": "EXT:Azure_AzureCloud_westeurope"},
    ),
    "cloudflare": ("173.245.48.0/20\n103.21.244.0/22\n2400:cb00::/32\n", {"173.245.48.1": "EXT:Cloudflare"}),
}


@pytest.mark.parametrize("name", CASES)
def test_addresses_get_the_name_that_says_most(tmp_path, name):
    text, expected = CASES[name]
    path = tmp_path / "ranges"
    path.write_text(text)
    labels = SubnetLabels.load(path)
    assert [labels.labels[at] for at in labels.lookup(pack(expected))] == list(expected.values())


@pytest.mark.parametrize(
    "text", ["", "kind: FlowCollector", "{}", "{broken", "[1]", '{"prefixes": "x"}', '{"values": [1]}']
)
def test_other_files_are_left_to_others(tmp_path, text):
    path = tmp_path / "other"
    path.write_text(text)
    assert cloud_ranges(path) is None
