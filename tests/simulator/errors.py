# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONTAP's error codes: what each says, and with which HTTP status.

The codes are those of the ONTAP REST API reference; the texts are our own. The reference gives an HTTP status for the
generic codes only. Readings for all others: 400 for what the caller or the set-up did wrong, 404 where the thing that
was addressed is not there, 500 for what ONTAP calls an internal error.
"""

from __future__ import annotations

import typing as t

GENERIC: dict[int, tuple[int, str]] = {
    1: (409, "An entry with the same identifiers exists."),
    2: (400, "A value is invalid or missing, or a field is not expected."),
    3: (405, "The operation is not supported."),
    4: (404, "entry doesn't exist"),
    6: (403, "not authorized for that command"),
    7: (503, "A resource limit was exceeded."),
    8: (409, "The resource is in use."),
    65541: (500, "RPC timed out."),
    65552: (500, "RPC failure."),
    65562: (500, "Internal RPC error."),
    262145: (500, "Application code returned an unexpected exception."),
    262160: (429, "Too many requests. Try again after a short delay."),
    262177: (400, "Missing value."),
    262179: (400, "Unexpected argument."),
    262185: (400, "Invalid value."),
    262186: (400, "The field cannot be used together with another one of this request."),
    262188: (400, "The field is specified twice."),
    262190: (400, "There are no values to apply."),
    262194: (400, "The expression lacks a value."),
    262196: (400, "The field cannot be set in this operation."),
    262197: (400, "Invalid value for the field."),
    262198: (400, "GET, HEAD and DELETE take no request body."),
    262199: (400, "Invalid JSON."),
    262200: (400, "Invalid JSON range."),
    262201: (400, "Invalid JSON: unknown formatting issue."),
    262202: (400, "A secret must not be part of the URL."),
    262203: (400, "The field is not supported in the body of PATCH."),
    262210: (500, "The records could not be sorted in time."),
    262211: (400, "POST does not filter: put the attribute into the body."),
    262212: (400, "The request lacks a required value."),
    262220: (400, "fields=* is not allowed here."),
    262222: (400, "A value is listed more than once for the field."),
    262245: (400, "Invalid value."),
    262247: (400, "Invalid value for a field."),
    262248: (400, "The value lacks an assignment operator."),
    262249: (400, "The field is not readable and cannot be part of fields."),
    262250: (400, "The field is not readable and cannot be queried."),
    262254: (400, "The JSON value must be an array."),
    262255: (400, "The JSON value must not be an array."),
    262268: (400, "The field is not supported in order_by."),
    262272: (400, "The query has an unmatched quote."),
    262273: (400, "query and query_fields belong together."),
    262274: (400, "The query is empty."),
    262275: (400, "The query needs a field."),
    262276: (400, "A query field is given twice."),
    262277: (400, "query and query_fields are for GET only."),
    262282: (400, "The property is specified twice."),
    262286: (400, "The braces of fields do not match."),
    262287: (400, "A record of the request failed."),
    262288: (400, "The operation on a record is incomplete."),
    262289: (200, "Some records are complete."),
    262290: (200, "Rolling back."),
    262291: (400, "The operation took longer than the system allows."),
    262292: (400, "The operation is partially complete."),
    262293: (400, "The job is still running."),
    262294: (400, "The job does not belong to this API."),
    # Reading: which status it has is not documented.
    262325: (400, "The security multi-admin-verify request requires approval."),
    263149: (400, "The limit for tags is reached."),
    393271: (500, "A node is out of quorum."),
    # Reading: the table says 400; 401 is what clusters send.
    6691623: (401, "User is not authorized."),
    8586226: (400, "The UUID was not found."),
    39387137: (400, "The URL is invalid."),
}

# Found at neighbouring endpoints; that azure-key-vaults uses them for a wrong or missing SVM is a reading.
SVM: dict[int, str] = {
    2621462: "The SVM does not exist.",
    2621706: "svm.uuid and svm.name refer to different SVMs.",
    2621707: "No SVM was specified: svm.name or svm.uuid is needed.",
    13434920: "The SVM does not exist.",
}

KEY_MANAGEMENT: dict[int, str] = {
    262155: "The operation needs an effective cluster version of ONTAP 9.14.0 or later.",
    458762: "The job has already ended.",
    458771: "The job is running.",
    458773: "The job manager is not initialized.",
    458776: "The job is not running.",
    458783: "The job cannot be paused.",
    458784: "The job cannot be cancelled.",
    3735553: "The self-signed certificate could not be created.",
    3735664: "The key size is not supported in FIPS mode.",
    3735665: "The hash function is not supported in FIPS mode.",
    3735700: "The key size is not supported.",
    52559972: "The certificate's start date is later than the current date.",
    65536203: "Internal error. No SVM key: the cluster key database is not initialized.",
    65536204: "Internal error. No SVM key: the cluster KEK was not found.",
    65536207: "Internal error. The SVM key could not be stored.",
    65536212: "Internal error. The SVM volume key could not be deleted.",
    65536217: "Internal error. The key could not be deleted from the kernel module.",
    65536242: "Self-encrypting drives are assigned an authentication key.",
    65536243: "It cannot be determined whether self-encrypting drives have an authentication key.",
    65536602: "A keystore cannot be enabled or switched while nodes are out of quorum.",
    65536817: "Internal error. It cannot be determined whether the key manager is safe to disable.",
    65536827: "Internal error. It cannot be determined whether the SVM has encrypted volumes.",
    65536834: "Internal error. The SVM's key server details are not available.",
    65536856: "No external key management server is configured for the SVM.",
    65536867: "Keys of encrypted volumes are stored on this SVM's key manager.",
    65536882: "Internal error. A volume UUID is missing.",
    65536883: "Internal error. The encryption key of a volume is missing.",
    65536884: "Internal error. The encryption key of a volume is invalid.",
    65536886: "This migration is not supported in this release.",
    65536889: "Internal error. The encryption blob is invalid.",
    65536890: "Internal error. The VDEK blob could not be generated.",
    65536924: "The key manager still holds NSE authentication keys.",
    65536959: "Source and destination key manager must differ.",
    65536968: "Check that all nodes are healthy, and try again.",
    65536973: "Internal error. A volume DSID is missing.",
    65536987: "The key servers are unavailable.",
    65537117: "There is no key manager with this UUID.",
    65537120: "Azure Key Vault is not configured for the SVM.",
    65537125: "The UUID is not that of a key manager.",
    65537303: "The polling interval needs an effective cluster version of ONTAP 9.10.1 or later.",
    65537304: "External key management is not configured on the cluster.",
    65537500: "A key manager is already configured for this SVM.",
    65537503: "The passwords do not match.",
    65537504: "Internal error. The configuration could not be stored in the internal database.",
    65537505: "Volume encryption keys of the SVM are stored on a key manager of the admin SVM.",
    65537506: "Azure Key Vault is not supported in MetroCluster configurations.",
    65537511: "Azure Key Vault is not configured for the SVM.",
    65537512: "Azure Key Vault cannot be configured: not all nodes of the cluster are able to enable the feature.",
    65537514: "It could not be checked whether the Azure Key Vault feature is enabled.",
    65537515: "The keys could not be restored on some nodes of the cluster.",
    65537517: "The client secret must be specified.",
    65537518: "No interface with the Cluster role was found.",
    65537523: "The key ID has an invalid format.",
    65537526: "The Azure Key Vault feature could not be enabled.",
    65537527: "Internal error. The SVM KEK could not be wrapped again.",
    65537533: "Internal error. The SVM KEK could not be unwrapped.",
    65537540: "The client secret is invalid.",
    65537541: "The PATCH request has no inputs.",
    65537544: "The wrapped top-level internal key encryption key is missing from the internal database.",
    65537547: "Volume encryption keys of this SVM are stored on the admin SVM's key manager: migrate them first.",
    65537549: "The Azure Key Vault service is unreachable from one or more nodes.",
    65537551: "The top-level internal key encryption key is unavailable on one or more nodes.",
    65537552: "The status of the embedded KMIP server is not available.",
    65537553: "The vault name has an invalid format. Example of a valid one: https://mykeyvault.vault.azure.net",
    65537559: "There are no internal keys for the SVM: a rekey needs at least one encryption key.",
    65537564: "Check that Azure Key Vault is healthy, and try again.",
    65537567: "No authentication method was provided.",
    65537573: "The client certificate is invalid.",
    65537577: "Certificate authentication cannot be configured: not all nodes support it.",
    65537589: "A configuration with this name exists on the SVM.",
    65537592: "configuration.name needs an effective cluster version of ONTAP 9.14.0 or later.",
    65537593: "create_inactive needs an effective cluster version of ONTAP 9.14.0 or later.",
    65537594: "configuration.name is required when create_inactive is true.",
    65537595: "configuration.name is allowed only when create_inactive is true.",
    65537605: "The cloud key management service could not be reached.",
    65537610: "A switch of the enabled keystore is in progress: repeat it to complete it.",
    65537611: "The keystore is being switched.",
    65537720: "A key manager is already configured.",
    65537736: "Check that Google Cloud KMS is healthy, and try again.",
    65538107: "Migration to IBM Key Lore is not supported.",
    65538404: "The retry count needs an effective cluster version of ONTAP 9.11.1 or later.",
    65538902: "This configuration name is reserved for the system.",
    65538903: "The configuration name must not be empty.",
    65538905: "The configuration is enabled and cannot be deleted.",
    65538907: "The method is not supported for this type of configuration.",
    65538908: "There is no keystore with this UUID that supports the operation.",
    65538909: "A value for enabled is required.",
    65538910: "An enabled configuration cannot be disabled by this method.",
    65539200: "The key custodian received no external key value store.",
    65539201: "Encryption failed.",
    65539205: "A keystore of this type cannot be enabled.",
    65539206: "The SVM has a keystore enabled, from whose type no migration is supported.",
    65539207: "The keystore configuration does not exist.",
    65539212: "The enabled keystore is neither active nor switching: it cannot be switched.",
    65539218: "The keystore configuration is already enabled.",
    65539222: "A data SVM cannot switch between keystores of different types.",
    65539303: "The health monitor policy needs an effective cluster version of ONTAP 9.15.1 or later.",
    65539304: "The health monitor policy is not enabled.",
    65539416: "Internal error. The key value store's response could not be parsed.",
    65539434: "The keystore is being initialized.",
    65539435: "The keystore is being disabled.",
    65539436: "The operation is not allowed while the keystore is being initialized.",
    65539437: "The operation is not allowed while the keystore is being disabled.",
    65539442: "Internal error. The AES blob could not be generated.",
    65539444: "Internal error. The VDEK blob could not be updated.",
    65539513: "An inactive key manager of the admin SVM can be enabled from effective cluster version 9.16.1 on.",
    65539514: "The keystore type is not supported on the admin SVM.",
    65539515: "The admin SVM can switch between onboard and KMIP key managers only.",
    65539518: "Internal error. The enabled configuration was not found.",
    65539520: "The admin SVM has an inactive onboard key manager already.",
    65539521: "An inactive key manager of the admin SVM can be deleted from effective cluster version 9.16.1 on.",
    65539522: "The keystore type is not supported on the admin SVM.",
    65539523: "Internal error. The key manager configuration table is missing.",
    65539534: "The admin SVM's key manager cannot be switched while encrypted root volumes are present.",
    65539535: "No node has the unwrapped key.",
    65539536: "Internal error. The existing wrapped key blob was not found.",
    65539538: "The SVM KEK was not created.",
    65539539: "The SVM KEK was not restored.",
    65539583: "No switch to the onboard key manager: the external key manager has a policy.",
    65539585: "The admin SVM has an inactive external key manager already.",
    65539590: "No switch to the onboard key manager: there are more than two NSE authentication keys.",
    65539591: "No switch to the onboard key manager: there are fewer than two NSE authentication keys.",
    65539593: "The keystore cannot be deleted while it is being switched.",
    65539622: "The cluster KEK was not restored.",
    65539704: "The key manager cannot be configured: the SVM has NAE volumes.",
    65539837: "There are no volumes to migrate.",
    65539838: "No migration to a cloud key manager: the external key manager has a policy.",
    65539839: "No migration to a cloud key manager: the keystore is not in the mixed state.",
    65539840: "The keys on the external key servers could not be cleaned up.",
    65539842: "The SVM KEK could not be restored.",
    65539845: "No migration to the onboard key manager: the key manager is neither mixed nor active.",
    196608080: "A node has an encrypted root volume.",
    196608301: "Internal error. The encryption type could not be determined.",
    196608305: "The cluster has NAE aggregates.",
}

EMS: dict[int, str] = {
    983101: "No event matches the name pattern.",
    983107: "There is no such filter.",
    983113: "A default filter cannot be changed or deleted.",
    983124: "The filter is in use.",
    983129: "The URL of the destination has an unknown scheme.",
    983130: "The URL of the destination is not valid.",
    983144: "A client certificate needs both its CA and its serial number.",
    983145: "A client certificate needs a destination with https.",
    983152: "A default destination cannot be changed or deleted.",
    983155: "No event that matches the name pattern has one of the severities.",
    983179: "The name is not valid.",
    983211: "Parameter criteria are not supported.",
}

NOT_THERE = frozenset({2621462, 13434920, 65537120, 65537511, 65538908, 65539207})


def text(code: int) -> str:
    """Return the text for ``code``; a code that no table has gets one that says so."""
    if code in GENERIC:
        return GENERIC[code][1]
    return KEY_MANAGEMENT.get(code) or SVM.get(code) or EMS.get(code) or f"Error {code}."


def http_status(code: int) -> int:
    """Return the HTTP status with which ``code`` is answered."""
    if code in GENERIC:
        return GENERIC[code][0]
    if code in NOT_THERE:
        return 404
    return 500 if text(code).startswith("Internal error.") else 400


class OntapError(Exception):
    """An answer of ONTAP that is an error.

    ``code`` is ONTAP's number, ``target`` the field or parameter at fault, ``values`` what goes into ``arguments``.
    Message and status default to those of the tables above.
    """

    def __init__(
        self,
        code: int,
        message: str | None = None,
        *,
        status: int | None = None,
        target: str | None = None,
        values: t.Sequence[str] = (),
    ) -> None:
        self.code = code
        self.message = text(code) if message is None else message
        self.status = http_status(code) if status is None else status
        self.target = target
        self.values = tuple(values)
        super().__init__(f"{self.message} ({code})")

    def body(self) -> dict[str, t.Any]:
        """Return the JSON body: ``code`` is a number in a string, ``target`` and ``arguments`` only where known."""
        error: dict[str, t.Any] = {"message": self.message, "code": str(self.code)}
        if self.target is not None:
            error["target"] = self.target
        if self.values:
            error["arguments"] = [{"code": str(self.code), "message": value} for value in self.values]
        return {"error": error}


def unexpected(name: str) -> OntapError:
    """Return the error for a query parameter or body field that does not exist."""
    return OntapError(262179, f'Unexpected argument "{name}".', target=name, values=(name,))


def invalid(field: str, value: object) -> OntapError:
    """Return the error for a value that ``field`` cannot have."""
    return OntapError(262197, f'The value "{value}" is invalid for field "{field}"', target=field, values=(str(value),))


def not_found() -> OntapError:
    """Return the error for a UUID in the path that nothing has."""
    return OntapError(4, target="uuid")
