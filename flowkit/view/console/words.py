"""Names that the console takes for numbers: ports, protocols, directions."""

from __future__ import annotations

PROTOCOLS = {
    "ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "GRE": 47, "ESP": 50, "AH": 51, "IPV6-ICMP": 58, "ICMPV6": 58, "OSPFIGP": 89,
    "SCTP": 132,
}  # fmt: skip
DIRECTIONS = {"INGRESS": 0, "EGRESS": 1, "INNER": 2, "BOTH": 3}

# Source: IANA's service name registry; of several names for a number the one that the console shows comes first.
PORTS = {
    "FTP-DATA": 20, "FTP": 21, "SSH": 22, "TELNET": 23, "SMTP": 25, "DOMAIN": 53, "DNS": 53, "BOOTPS": 67, "BOOTPC": 68,
    "TFTP": 69, "HTTP": 80, "KERBEROS": 88, "POP3": 110, "SUNRPC": 111, "NTP": 123, "NETBIOS-NS": 137, "IMAP": 143,
    "SNMP": 161, "SNMPTRAP": 162, "BGP": 179, "LDAP": 389, "HTTPS": 443, "MICROSOFT-DS": 445, "SUBMISSIONS": 465,
    "SYSLOG": 514, "SUBMISSION": 587, "LDAPS": 636, "IMAPS": 993, "POP3S": 995, "SOCKS": 1080, "MS-SQL-S": 1433,
    "RADIUS": 1812, "MQTT": 1883, "NFS": 2049, "ETCD-CLIENT": 2379, "ETCD-SERVER": 2380, "MYSQL": 3306,
    "MS-WBT-SERVER": 3389, "STUN": 3478, "VXLAN": 4789, "AMQP": 5672, "AMQPS": 5671, "MDNS": 5353, "POSTGRESQL": 5432,
    "GENEVE": 6081, "REDIS": 6379, "SUN-SR-HTTPS": 6443, "HTTP-ALT": 8080, "PCSYNC-HTTPS": 8443, "SECURE-MQTT": 8883,
    "KAFKA": 9092, "WAP-WSP": 9200, "MEMCACHE": 11211, "MONGODB": 27017,
}  # fmt: skip
